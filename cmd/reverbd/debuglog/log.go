package debuglog

import "io"

// Options say what the output looks like. The zero value is plain text, 80 columns wide.
type Options struct {
	Width int  // columns; 0 is 80, and more than 150 is 150, as in Laravel's console
	Color bool // ANSI colours
}

// Log is a debug log. All methods are safe for concurrent use if the output is. It does not block if the output does not, as a
// logwriter.Writer; each entry is one Write of whole lines.
type Log struct {
	out   io.Writer
	width int
	color bool
}

// New returns a log that writes to out.
func New(out io.Writer, o Options) *Log {
	l := &Log{out: out, width: 80, color: o.Color}
	if o.Width > 0 {
		l.width = min(o.Width, 150)
	}
	return l
}

// Info shows a title and a value: "Connection Established ....... 123.456".
func (l *Log) Info(title, value string) {
	l.add(l.appendColumns(nil, title, value))
}

// Message shows a title line and below it the message, at most 200 characters of it. payload is not kept.
func (l *Log) Message(title, id string, payload []byte) {
	b := l.appendColumns(nil, title, id)
	l.add(l.appendJSON(b, payload))
}

// Error shows what went wrong, such as "Message from 1.2 resulted in a pusher error". A reason may follow on a line of
// its own.
func (l *Log) Error(text string) {
	l.add(l.appendError(nil, text))
}

// add writes one entry. A failed write is the concern of the output's owner.
func (l *Log) add(entry []byte) { _, _ = l.out.Write(entry) }
