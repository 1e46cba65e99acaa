package logwriter

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxPending is how many bytes may wait for an output that does not take them.
const maxPending = 1 << 20

// closeTimeout is how long Close waits for an output that does not take anything.
const closeTimeout = time.Second

// retryInterval is the pause before a descriptor is tried again that another process has made a non-blocking one.
const retryInterval = 10 * time.Millisecond

// Notice appends the line, with its line break, that tells of so many lost lines. err is why the output refused the last of
// them, nil if all of them found the queue full. It is called on the writer's goroutine.
type Notice func(dst []byte, lines int64, err error) []byte

// Writer is an io.Writer and a zapcore.WriteSyncer that never blocks. All methods are safe for concurrent use.
type Writer struct {
	out    io.Writer
	notice Notice
	done   chan struct{}
	lost   atomic.Int64 // lines, since the start

	mu      sync.Mutex // guards what follows; never held during a write
	wake    sync.Cond
	pending []byte
	dropped int64 // lines that found the queue full and have not been told yet
	closed  bool
}

// New starts a Writer in front of out. notice may be nil: then lost lines are only counted. Close ends its goroutine.
func New(out io.Writer, notice Notice) *Writer {
	w := &Writer{out: out, notice: notice, done: make(chan struct{})}
	w.wake.L = &w.mu
	go w.run()
	return w
}

// Write queues p, which must be whole lines, or drops all of it if there is no room. It always reports success.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.pending)+len(p) > maxPending {
		n := countLines(p)
		w.dropped += n
		w.lost.Add(n)
		return len(p), nil
	}
	w.pending = append(w.pending, p...)
	w.wake.Signal()
	return len(p), nil
}

// Sync implements zapcore.WriteSyncer. It does nothing: waiting for the output is what a Writer is there to avoid.
func (w *Writer) Sync() error { return nil }

// Lost is the number of lines that have been lost since the start.
func (w *Writer) Lost() int64 { return w.lost.Load() }

// Close writes out what is pending, as far as the output takes it within a second, and ends the Writer. It may be called twice.
func (w *Writer) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.wake.Signal()
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	select {
	case <-w.done:
	case <-timeout.C:
	}
	return nil
}

// run writes the queue out. The two buffers change places, so that lines are queued while the output takes the ones before.
func (w *Writer) run() {
	defer close(w.done)
	var batch []byte
	var o outcome
	for {
		w.mu.Lock()
		for len(w.pending) == 0 && !w.closed && (w.dropped == 0 || o.err != nil) {
			w.wake.Wait()
		}
		batch, w.pending = w.pending, batch[:0]
		dropped := w.dropped
		w.dropped = 0
		closed := w.closed
		w.mu.Unlock()

		w.tell(&o)
		w.flush(batch, &o)
		o.untold += dropped // they are younger than the batch
		if o.err == nil {
			w.tell(&o)
		}
		if closed {
			return
		}
	}
}

// outcome is what became of what has been written so far.
type outcome struct {
	err    error // of the last write; nil when nothing was to be written
	untold int64 // lost lines that no notice has told of
	cut    bool  // the last line that the output has is not whole
}

// tell writes a notice of what has been lost, if anything has.
func (w *Writer) tell(o *outcome) {
	why := o.err
	o.err = nil
	var p []byte
	if o.cut {
		p = append(p, '\n')
	}
	if o.untold > 0 && w.notice != nil {
		p = w.notice(p, o.untold, why)
	}
	if len(p) == 0 {
		return
	}
	n, err := w.write(p)
	if o.err = err; err == nil {
		o.cut, o.untold = false, 0
	} else if n > 0 {
		o.cut = p[n-1] != '\n'
	}
}

// flush writes lines, if the output takes anything.
func (w *Writer) flush(batch []byte, o *outcome) {
	n := 0
	if o.err == nil {
		n, o.err = w.write(batch)
	}
	if o.err != nil {
		o.cut = n > 0 && batch[n-1] != '\n' || n == 0 && o.cut
		w.lose(batch[n:], o)
	}
}

// lose counts what the output has refused.
func (w *Writer) lose(p []byte, o *outcome) {
	n := countLines(p)
	o.untold += n
	w.lost.Add(n)
}

// write is out.Write that waits where a descriptor has become a non-blocking one.
func (w *Writer) write(p []byte) (written int, err error) {
	for len(p) > 0 {
		n, err := w.out.Write(p)
		written, p = written+n, p[n:]
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			return written, err
		}
		if err != nil {
			time.Sleep(retryInterval)
		}
	}
	return written, nil
}

func countLines(p []byte) int64 { return int64(bytes.Count(p, []byte{'\n'})) }
