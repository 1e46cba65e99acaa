package debuglog

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// maxPending is how many bytes may wait for a terminal that does not read.
const maxPending = 1 << 20

// Options say what the output looks like. The zero value is plain text, 80 columns wide.
type Options struct {
	Width int  // columns; 0 is 80, and more than 150 is 150, as in Laravel's console
	Color bool // ANSI colours
}

// Log is a debug log. All methods are safe for concurrent use.
type Log struct {
	out   io.Writer
	width int
	color bool

	mu      sync.Mutex // guards what follows; never held during a write
	wake    sync.Cond
	pending []byte
	dropped int
	closed  bool
	done    chan struct{}
}

// New starts a log that writes to out. Close ends its goroutine.
func New(out io.Writer, o Options) *Log {
	l := &Log{out: out, width: 80, color: o.Color, done: make(chan struct{})}
	if o.Width > 0 {
		l.width = min(o.Width, 150)
	}
	l.wake.L = &l.mu
	go l.write()
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

// Close writes out what is pending and ends the log. Later entries are lost, and so is what an output that stands still
// does not take within a second.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake.Signal()
	select {
	case <-l.done:
	case <-time.After(time.Second):
	}
	return nil
}

func (l *Log) add(entry []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return
	case len(l.pending)+len(entry) > maxPending:
		l.dropped++
		return
	}
	l.pending = append(l.pending, entry...)
	l.wake.Signal()
}

// write runs on the log's goroutine. The two buffers change places, so that adding goes on while the terminal reads.
func (l *Log) write() {
	defer close(l.done)
	var batch []byte
	for {
		l.mu.Lock()
		for len(l.pending) == 0 && !l.closed {
			l.wake.Wait()
		}
		batch, l.pending = l.pending, batch[:0]
		if l.dropped > 0 {
			batch = fmt.Appendf(batch, "  (%d entries are not shown: the output is too slow)\n", l.dropped)
			l.dropped = 0
		}
		closed := l.closed
		l.mu.Unlock()

		// A terminal that has gone away must not take the server with it, so the error is of no use to anybody.
		_, _ = l.out.Write(batch)
		if closed {
			return
		}
	}
}
