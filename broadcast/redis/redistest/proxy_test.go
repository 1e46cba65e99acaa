package redistest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers each line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, p *Proxy) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp4", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

func TestProxy(t *testing.T) {
	p, err := NewProxy("127.0.0.1:0", "tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, r := dial(t, p)
	say := func(text string) { _, _ = io.WriteString(c, text) }
	hear := func() string { text, _ := r.ReadString('\n'); return text }
	if say("one\n"); hear() != "one\n" {
		t.Error("nothing passes")
	}
	p.Delay(time.Millisecond, 20*time.Millisecond)
	for i := range 20 {
		say(strings.Repeat("x", i) + "\n")
	}
	for i := range 20 {
		if got := hear(); len(got) != i+1 {
			t.Fatalf("the order of what is late is not kept: %q", got)
		}
	}
	for _, d := range []Direction{Commands, Replies} {
		p.Stall(d)
		say("stalled\n")
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := r.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("something passes: %v", err)
		}
		_ = c.SetReadDeadline(time.Time{})
		p.Stall(0)
		if hear() != "stalled\n" {
			t.Error("what was stalled is lost")
		}
	}
	p.CutReplies()
	say("halves\n")
	if got := hear(); got != "hal" {
		t.Errorf("%q came of a reply that was cut", got)
	}
	c, r = dial(t, p)
	if say("again\n"); hear() != "again\n" {
		t.Error("a new connection does not pass")
	}
	p.Cut()
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection is not cut")
	}
}
