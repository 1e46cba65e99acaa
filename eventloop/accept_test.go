package eventloop

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/panjf2000/gnet/v2"
	engineerrors "github.com/panjf2000/gnet/v2/pkg/errors"
	"golang.org/x/sys/unix"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/ws"
)

func (c *client) echoes(s string) {
	c.t.Helper()
	c.send(textFrame(s))
	c.gets(ws.OpText, s)
}

// Connections go to the loop that has the fewest.
func TestLoopsShareTheConnections(t *testing.T) {
	const loops, each = 4, 10
	s, addr := startServer(t, loops, nil)
	var all []*client
	for range loops * each {
		all = append(all, dialWS(t, addr))
	}
	for i, l := range s.loops {
		if n := l.connections.Load(); n != each {
			t.Errorf("loop %d has %d connections, want %d", i, n, each)
		}
	}
	for _, c := range all {
		_ = c.Close()
	}
	eventually(t, "all are gone", func() bool { return s.Connections() == 0 })
	for i, l := range s.loops {
		if n := l.connections.Load(); n != 0 {
			t.Errorf("loop %d has %d connections, want none", i, n)
		}
	}
}

func TestSeveralListeners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	u, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	second := loopback(t)
	_, addr := startServer(t, 2, func(o *Options, _ *Server) { o.Listeners = append(o.Listeners, second, u) })
	for _, addr := range []string{addr, second.Addr().String()} {
		dialWS(t, addr).echoes("over TCP")
	}
	for range 3 {
		c := dialUnix(t, path)
		c.send(upgradeRequest)
		c.upgraded()
		c.echoes("over a unix socket")
	}
}

// A second server with the same listening sockets accepts where the first one has stopped: no client is refused, and the clients of the
// first one stay.
func TestStopAcceptingHandsOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	u, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	first, addr := startServer(t, 2, func(o *Options, _ *Server) { o.Listeners = append(o.Listeners, u) })
	files, err := first.ListenerFiles()
	if err != nil {
		t.Fatal(err)
	}
	old := dialWS(t, addr)
	first.StopAccepting()

	waiting := dial(t, addr) // no server accepts it yet
	waiting.send(upgradeRequest)
	second, _ := startServer(t, 2, func(o *Options, _ *Server) {
		_ = o.Listeners[0].Close()
		o.Listeners = nil
		for _, f := range files {
			l, err := net.FileListener(f)
			if err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			o.Listeners = append(o.Listeners, l)
		}
	})
	waiting.upgraded()
	waiting.echoes("served by the second")
	c := dialUnix(t, path)
	c.send(upgradeRequest)
	c.upgraded()
	old.echoes("served by the first")
	if first.Connections() != 1 || second.Connections() != 2 {
		t.Error(first.Connections(), second.Connections())
	}
}

// The files may be passed to os/exec, which calls Fd, and the socket stays non-blocking.
func TestListenerFilesDoNotBlock(t *testing.T) {
	s, addr := startServer(t, 1, nil)
	files, err := s.ListenerFiles()
	if err != nil {
		t.Fatal(err)
	}
	defer files[0].Close()
	flags, err := unix.FcntlInt(files[0].Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Error("the socket blocks:", flags, err)
	}
	if flags, err := unix.FcntlInt(files[0].Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Error("every process inherits it:", flags, err)
	}
	dialWS(t, addr).echoes("x")
}

func TestListenerWithoutDescriptor(t *testing.T) {
	s := New(Options{
		Listeners: []net.Listener{loopback(t), struct{ net.Listener }{loopback(t)}},
		Hub:       broadcast.NewHub(broadcast.Options{}), API: &api{},
	})
	if files, err := s.ListenerFiles(); err == nil || files != nil {
		t.Error(files, err)
	}
}

// failingListener is a listener whose Accept fails at first, and then returns connections that gnet cannot enroll.
type failingListener struct {
	net.Listener
	failures, unsupported atomic.Int32
}

func (o *failingListener) Accept() (net.Conn, error) {
	if o.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", unix.EMFILE)}
	}
	c, err := o.Listener.Accept()
	if err == nil && o.unsupported.Add(-1) >= 0 {
		return struct{ net.Conn }{c}, nil
	}
	return c, err
}

// Accepting goes on after failures for lack of descriptors, and after connections that could not be enrolled, which are not counted.
func TestAcceptingGoesOn(t *testing.T) {
	l := &failingListener{Listener: loopback(t)}
	l.failures.Store(3)
	l.unsupported.Store(2)
	s, _ := startServer(t, 2, func(o *Options, _ *Server) {
		o.Listeners = append(o.Listeners, l)
		o.MaxConnections = 1
	})
	addr := l.Addr().String()
	for range 2 {
		c := dial(t, addr)
		c.gone()
		eventually(t, "it is counted out", func() bool { return s.Connections() == 0 })
	}
	dialWS(t, addr).echoes("x")
	if s.loops[0].connections.Load()+s.loops[1].connections.Load() != 1 {
		t.Error("what was lost is counted by its loop")
	}
}

// A loop that ends by itself ends the server, with an error.
func TestLoopEnds(t *testing.T) {
	l := loopback(t)
	s := New(Options{Listeners: []net.Listener{l}, Hub: broadcast.NewHub(broadcast.Options{Loops: 2}), API: &api{}})
	ran := make(chan error, 1)
	go func() { ran <- s.Run() }()
	receiveOne(t, s.Booted(), "boot")
	_ = (*s.loops[1].gnet.Load()).Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
		return engineerrors.ErrEngineShutdown
	}))
	if err := receiveOne(t, ran, "Run returns"); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
}

func dialUnix(t *testing.T, path string) *client {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return newClient(t, c)
}

// The limit is exact, and there is room again when a connection has ended.
func TestMaxConnections(t *testing.T) {
	s, addr := startServer(t, 2, func(o *Options, _ *Server) { o.MaxConnections = 5 })
	var served []*client
	for range 5 {
		served = append(served, dialWS(t, addr))
	}
	for range 20 {
		dial(t, addr).gone()
	}
	if n := s.refusals.Of(limitlog.Connections); n != 20 {
		t.Errorf("%d refused", n)
	}
	for _, c := range served {
		c.send(textFrame("x"))
		c.gets(ws.OpText, "x")
	}
	_ = served[0].Close()
	eventually(t, "the place is free", func() bool { return s.Connections() == 4 })
	c := dialWS(t, addr)
	c.send(textFrame("new"))
	c.gets(ws.OpText, "new")
}
