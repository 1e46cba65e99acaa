package epoll

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"reverbd/bench/internal/clock"
)

// started returns a poller that runs until the test ends.
func started(t *testing.T) *Poller {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := p.Run(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		p.Stop()
		ended.Wait()
		p.Close()
		p.Do(func() { t.Error("called after Close") })
	})
	return p
}

func TestDoAndCall(t *testing.T) {
	p := started(t)
	n := 0
	for range 100 {
		p.Do(func() { n++ })
	}
	p.Call(func() { n *= 2 })
	if n != 200 {
		t.Errorf("n is %d: tasks were lost, or done out of order", n)
	}
}

func TestTimer(t *testing.T) {
	p := started(t)
	due := make(chan int64, 10)
	var timer *Timer
	var err error
	p.Call(func() { timer, err = p.NewTimer(func() { due <- clock.Now() }) })
	if err != nil {
		t.Fatal(err)
	}
	at := clock.Now() + int64(20*time.Millisecond)
	p.Call(func() {
		timer.Set(clock.Now() + int64(time.Hour)) // does not count any more
		timer.Set(at)
	})
	if got := <-due; got < at {
		t.Errorf("due %d ns early", at-got)
	}
	p.Call(func() { timer.Set(0) })
	<-due // what is past is due at once
	p.Call(timer.Close)
}

// handler is a function as a Handler.
type handler func(events uint32)

func (h handler) Ready(events uint32) { h(events) }

func socketPair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func TestReadAndWrite(t *testing.T) {
	p := started(t)
	a, b := socketPair(t)
	got := make(chan string, 10)
	p.Call(func() {
		_ = p.Add(a, handler(func(events uint32) {
			var buffer [10]byte
			n, errno := Read(a, buffer[:])
			switch {
			case errno == unix.EAGAIN: // the first event: it can be written to
			case n == 0:
				got <- "end"
			default:
				got <- string(buffer[:n])
			}
		}))
	})
	if n, errno := Write(b, []byte("hello")); n != 5 || errno != 0 {
		t.Fatal(n, errno)
	}
	if text := <-got; text != "hello" {
		t.Errorf("read %q", text)
	}
	_ = unix.Close(b)
	if text := <-got; text != "end" {
		t.Errorf("read %q behind the end", text)
	}
	p.Call(func() {
		p.Forget(a)
		_ = unix.Close(a)
	})
}

// TestAnEventOfTheDescriptorBefore closes a descriptor while its event waits to be handled, and opens another with the same
// number.
func TestAnEventOfTheDescriptorBefore(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	first, firstPeer := socketPair(t)
	second, secondPeer := socketPair(t)
	reused := false
	replace := func(own, other int) handler {
		return func(uint32) {
			if reused {
				return
			}
			reused = true
			p.Forget(other)
			_ = unix.Close(other)
			if fd, err := unix.Dup(own); err != nil || fd != other {
				t.Fatalf("%d, %v; want %d", fd, err, other)
			}
			p.watched[other] = watch{handler(func(uint32) { t.Error("the new one got the event of the old one") }), -1}
			p.Stop()
		}
	}
	_ = p.Add(first, replace(first, second)) // both are ready at once: whichever comes first replaces the other
	_ = p.Add(second, replace(second, first))
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if !reused {
		t.Error("no event came")
	}
	for _, fd := range []int{first, firstPeer, second, secondPeer} {
		_ = unix.Close(fd)
	}
}

func TestConnect(t *testing.T) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(bound.(*unix.SockaddrInet4).Port))
	outcome := func(source netip.Addr) error {
		p := started(t)
		done := make(chan error, 10)
		p.Call(func() {
			fd, err := Connect(address, source)
			if err != nil {
				done <- err
				return
			}
			err = p.Add(fd, handler(func(uint32) {
				done <- Connected(fd)
				p.Forget(fd)
				_ = unix.Close(fd)
			}))
			if err != nil {
				done <- err
			}
		})
		return <-done
	}
	if err := outcome(netip.Addr{}); err == nil {
		t.Error("connected to a port on which nobody listens")
	}
	if err := unix.Listen(listener, 10); err != nil {
		t.Fatal(err)
	}
	for _, source := range []netip.Addr{{}, netip.MustParseAddr("127.0.0.9")} {
		if err := outcome(source); err != nil {
			t.Errorf("from %v: %v", source, err)
		}
		fd, peer, err := unix.Accept(listener)
		if err != nil {
			t.Fatal(err)
		}
		if got := netip.AddrFrom4(peer.(*unix.SockaddrInet4).Addr); source.IsValid() && got != source {
			t.Errorf("connected from %v, want %v", got, source)
		}
		_ = unix.Close(fd)
	}
	if err := outcome(netip.MustParseAddr("192.0.2.1")); err == nil {
		t.Error("connected from an address that is not ours")
	}
}
