package baseline

// Replies is what the baseline writes that is not in a message.
type Replies struct {
	Upgrade []byte // to a client's handshake
	Publish []byte // to a publisher's request
}

// Config is what the program is told on its standard input, as one line of JSON.
type Config struct {
	Threads int // each with its own listener on the same port
	Replies Replies
}

// announcement is what the program writes on its standard output when it is ready, as one line of JSON.
type announcement struct {
	Port    int   // of 127.0.0.1
	Threads []int // ids of those that serve
}
