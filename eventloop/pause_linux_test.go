package eventloop

import (
	"context"
	"testing"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// The epoll of a loop is where epollOf looks for it, and takes a change of what is reported of a connection: that is how reading
// pauses.
func TestGnetReadingPauses(t *testing.T) {
	read, loops := make(chan string, 10), make(chan gnet.Conn, 1)
	h := &handlers{open: func(c gnet.Conn) gnet.Action { loops <- c; return gnet.None }}
	h.traffic = func(c gnet.Conn) gnet.Action {
		p, _ := c.Next(-1)
		read <- string(p)
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	c := dialTCP(t, addr)
	g := receiveOne(t, loops, "the connection opens")
	watch := func(events uint32) {
		epoll, done := epollOf(g.EventLoop()), make(chan error, 1)
		_ = g.EventLoop().Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			done <- unix.EpollCtl(epoll, unix.EPOLL_CTL_MOD, g.Fd(), &unix.EpollEvent{Events: events, Fd: int32(g.Fd())})
			return nil
		}))
		if err := receiveOne(t, done, "the task runs"); err != nil {
			t.Fatal(err)
		}
	}
	watch(0)
	sendTo(t, c, "x")
	other := dialTCP(t, addr) // which the loop serves meanwhile
	receiveOne(t, loops, "another connection opens")
	sendTo(t, other, "y")
	if got := receiveOne(t, read, "the other is read"); got != "y" {
		t.Fatalf("got %q while reading paused", got)
	}
	watch(unix.EPOLLIN | unix.EPOLLPRI)
	if got := receiveOne(t, read, "reading goes on"); got != "x" {
		t.Errorf("got %q", got)
	}
}
