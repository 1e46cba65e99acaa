package apps

// Trace receives all traffic when the operator asked for it (--debug). A nil Trace costs one comparison per message. Titles
// are Reverb's. Methods are called from all loops at once and must not keep payload.
type Trace interface {
	// Info is one line: what happened, and to which connection or channel.
	Info(title, value string)
	// Message is Info with the JSON that it concerns.
	Message(title, value string, payload []byte)
	// Error is something that went wrong for one client.
	Error(text string)
}
