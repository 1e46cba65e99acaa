package baseline

// Replies are the bytes that the baseline writes and that no message carries.
type Replies struct {
	Upgrade []byte // to a client's handshake
	Publish []byte // to a publisher's request
}

// Config is one line of JSON on the process's standard input.
type Config struct {
	Threads int // each with its own listener on the same port
	Replies Replies
}

// announcement is one line of JSON on the process's standard output, written when it accepts connections.
type announcement struct {
	Port    int   // of 127.0.0.1
	Threads []int // ids of those that serve
}
