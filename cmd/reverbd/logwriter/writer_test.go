package logwriter_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"reverbd/cmd/reverbd/logwriter"
)

// output is an output that takes what the test lets it take.
type output struct {
	mu    sync.Mutex
	free  *sync.Cond
	stuck bool
	err   error // what Write fails with
	room  int   // bytes that are taken before it fails
	text  strings.Builder
	calls int
}

func newOutput() *output {
	o := &output{}
	o.free = sync.NewCond(&o.mu)
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	for o.stuck {
		o.free.Wait()
	}
	if o.err != nil {
		n := min(o.room, len(p))
		o.text.Write(p[:n])
		o.room -= n
		return n, o.err
	}
	return o.text.Write(p)
}

func (o *output) set(f func(*output)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
	o.free.Broadcast()
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func notice(dst []byte, lines int64, err error) []byte {
	return fmt.Appendf(dst, "lost %d (%v)\n", lines, err)
}

// write writes n lines, numbered from first on.
func write(w *logwriter.Writer, first, n int) {
	for i := range n {
		fmt.Fprintf(w, "line %d\n", first+i)
	}
}

func lines(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d\n", first+i)
	}
	return b.String()
}

func TestLinesAppearAtOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutput()
		w := logwriter.New(out, notice)
		write(w, 0, 1)
		synctest.Wait()
		if out.String() != lines(0, 1) {
			t.Errorf("got %q without a later line", out)
		}
		write(w, 1, 100)
		_ = w.Close()
		if out.String() != lines(0, 101) || w.Lost() != 0 {
			t.Errorf("%d lost; got:\n%s", w.Lost(), out)
		}
	})
}

// Callers go on while the output stands still; the queue is bounded, and what did not fit is told when the reader is back.
func TestAnOutputThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutput()
		out.stuck = true
		w := logwriter.New(out, notice)
		write(w, 0, 200_000)
		synctest.Wait()
		lost := w.Lost()
		if lost == 0 {
			t.Fatal("nothing is lost: the queue has no bound")
		}
		out.set(func(o *output) { o.stuck = false })
		synctest.Wait()
		if want := fmt.Sprintf("lost %d (<nil>)\n", lost); !strings.HasSuffix(out.String(), want) {
			t.Errorf("the end is %q, want %q without a later line", tail(out.String()), want)
		}
		if n := int64(strings.Count(out.String(), "line ")); n+lost != 200_000 {
			t.Errorf("%d written and %d lost of 200,000", n, lost)
		}
		if out.calls > 5 {
			t.Errorf("%d writes, want lines joined into a few", out.calls)
		}
		_ = w.Close()
	})
}

func tail(s string) string { return s[max(0, len(s)-80):] }

// A refused line is counted, and told in front of the first one that is taken.
func TestAnOutputThatRefuses(t *testing.T) {
	for _, err := range []error{syscall.EPIPE, syscall.ENOSPC} {
		synctest.Test(t, func(t *testing.T) {
			out := newOutput()
			out.err = err
			w := logwriter.New(out, notice)
			for i := range 5 {
				write(w, i, 1)
				synctest.Wait()
			}
			if w.Lost() != 5 {
				t.Errorf("%d lost, want 5", w.Lost())
			}
			out.set(func(o *output) { o.err = nil })
			write(w, 5, 2)
			_ = w.Close()
			if want := fmt.Sprintf("lost 5 (%v)\n", err) + lines(5, 2); out.String() != want {
				t.Errorf("got %q, want %q", out, want)
			}
		})
	}
}

// A line that is cut by a full disk is counted, and the next one begins on a line of its own.
func TestACutLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutput()
		out.err, out.room = syscall.ENOSPC, len("line 0\nline")
		w := logwriter.New(out, notice)
		_, _ = w.Write([]byte(lines(0, 3)))
		synctest.Wait()
		write(w, 3, 1)
		synctest.Wait()
		out.set(func(o *output) { o.err = nil })
		write(w, 4, 1)
		_ = w.Close()
		want := "line 0\nline\nlost 3 (" + syscall.ENOSPC.Error() + ")\n" + lines(4, 1)
		if out.String() != want {
			t.Errorf("got %q, want %q", out, want)
		}
	})
}

// A descriptor that another process has made a non-blocking one is waited for, and nothing is lost.
func TestAnOutputThatIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutput()
		out.err, out.room = syscall.EAGAIN, len("line")
		w := logwriter.New(out, notice)
		write(w, 0, 2)
		synctest.Wait()
		out.set(func(o *output) { o.err = nil })
		_ = w.Close()
		if out.String() != lines(0, 2) || w.Lost() != 0 {
			t.Errorf("%d lost; got %q", w.Lost(), out)
		}
	})
}

// An output that never takes anything again does not keep the server from ending.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutput()
		out.stuck = true
		w := logwriter.New(out, nil)
		write(w, 0, 1)
		_ = w.Close()
		_ = w.Close()
		write(w, 1, 1)
		if w.Lost() != 1 {
			t.Errorf("%d lost, want the line behind Close", w.Lost())
		}
		out.set(func(o *output) { o.stuck = false })
	})
}

func TestLinesOfConcurrentWritersStayWhole(t *testing.T) {
	out := newOutput()
	w := logwriter.New(out, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				_, _ = w.Write([]byte("a line\n"))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		t.Error(err)
	}
	if out.String() != strings.Repeat("a line\n", 800) {
		t.Error("lines are mixed")
	}
}

// Logging is on the way of every event with --debug: once the queue has grown, a line allocates nothing.
func TestWriteAllocatesNothing(t *testing.T) {
	out := newOutput()
	out.stuck = true
	w := logwriter.New(out, nil)
	defer func() { _ = w.Close() }()
	defer out.set(func(o *output) { o.stuck = false })
	line := []byte("a line\n")
	for w.Lost() == 0 {
		_, _ = w.Write(line)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = w.Write(line) }); n != 0 {
		t.Errorf("%v allocations for each line", n)
	}
}
