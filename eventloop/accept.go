package eventloop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"reverbd/eventloop/listen"
)

// maxEnrolling is how many connections may be on their way to each loop. Each of them has two descriptors while gnet makes its own
// copy.
const maxEnrolling = 4

// acceptorsEach is how many goroutines accept from a listener. One waits while its connection is enrolled, the others go on.
const acceptorsEach = 4

// acceptors accept connections, count them with the connection limiter, and enroll them; gnet takes the loop that has the fewest.
type acceptors struct {
	server     *Server
	engine     *gnet.Client
	listeners  []net.Listener
	handshakes *handshakeStage
	enrolling  chan struct{} // has one for each connection that is being enrolled
	accepting  sync.WaitGroup
	settled    chan struct{} // closed when every enrollment has ended
	stopped    chan struct{} // closed by stop
	once       sync.Once
}

func (s *Server) startAcceptors(engine *gnet.Client) *acceptors {
	a := &acceptors{
		server: s, engine: engine, listeners: s.options.Listeners, handshakes: newHandshakeStage(s, s.options.Handshakes),
		enrolling: make(chan struct{}, maxEnrolling*len(s.loops)), settled: make(chan struct{}), stopped: make(chan struct{}),
	}
	for _, l := range a.listeners {
		for range acceptorsEach {
			a.accepting.Go(func() { a.acceptLoop(l) })
		}
	}
	return a
}

// stop closes the listeners and waits until every accepted connection has come to its loop. A loop that has ended by itself opens no
// connection, so then it does not wait.
func (a *acceptors) stop() {
	a.once.Do(func() {
		close(a.stopped)
		listen.Close(a.listeners)
		go func() {
			a.accepting.Wait()
			a.handshakes.stop()
			close(a.settled)
		}()
	})
	select {
	case <-a.settled:
	case <-a.server.failed:
	}
}

// acceptLoop accepts until the listener is closed. Any other error of accept, above all a lack of descriptors, may pass: it tries
// again, at first after 5 ms and at last every second, while clients wait in the accept queue of the socket.
func (a *acceptors) acceptLoop(l net.Listener) {
	const first, longest = 5 * time.Millisecond, time.Second
	wait := first
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			wait = first
			a.accepted(c)
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		a.server.logAcceptFailure(l.Addr(), err)
		select {
		case <-a.stopped:
		case <-time.After(wait):
		}
		wait = min(2*wait, longest)
	}
}

// accepted counts c and starts its handshake stage, or enrolls it. If the connection limit is reached it closes c.
func (a *acceptors) accepted(c net.Conn) {
	s := a.server
	if !s.limiter.acquire() {
		s.limiter.release()
		s.logRefused(c.RemoteAddr())
		_ = c.Close()
		return
	}
	cn := &conn{}
	if header, handshake := a.handshakes.needed(c); header || handshake {
		a.handshakes.start(c, cn, header, handshake, func(c net.Conn, arrived *handshaken) { a.enroll(c, cn, arrived) })
		return
	}
	a.enroll(c, cn, cn)
}

// enroll hands c to a loop and waits until it is there. what is the context that OnOpen gets: cn, or a *handshaken with it. gnet calls
// neither OnOpen nor OnClose for a connection that it cannot enroll.
//
// The Enroll of a loop would not wait, but it takes a goroutine of a pool and a channel for each connection.
func (a *acceptors) enroll(c net.Conn, cn *conn, what any) {
	a.enrolling <- struct{}{}
	_, err := a.engine.EnrollContext(c, what)
	<-a.enrolling
	if err == nil && !cn.enrolled { // gnet reports no error when its poller has refused
		err = errPoller
	}
	if err != nil {
		a.server.enrollFailed(cn, err)
	}
}

var errPoller = errors.New("eventloop: the poller takes no more connections (fs.epoll.max_user_watches)")

// enrollFailed counts out a connection that has not come to its loop, and logs why.
func (s *Server) enrollFailed(c *conn, err error) {
	s.countOut(c)
	s.logAcceptFailure(nil, err)
}

// countOut counts a connection out, which may not have come to a loop.
func (s *Server) countOut(c *conn) {
	if c.loop != nil {
		c.loop.connections.Add(-1)
	}
	s.limiter.release()
}

// loopOf is the loop that a connection is enrolled in.
func (s *Server) loopOf(g gnet.Conn) *loop {
	el := g.EventLoop()
	for _, l := range s.loops {
		if *l.gnet.Load() == el {
			return l
		}
	}
	return nil
}

// ListenerFiles are duplicates of the descriptors of the listeners, in the order of Options.Listeners, for a process that is to take
// over: it accepts from the same queue, so that no client is refused in between. Unlike the files that net makes, these do not make
// the socket blocking when they are passed on. The caller closes them.
func (s *Server) ListenerFiles() ([]*os.File, error) {
	files := make([]*os.File, 0, len(s.options.Listeners))
	for _, l := range s.options.Listeners {
		f, err := listenerFile(l)
		if err != nil {
			for _, f := range files {
				_ = f.Close()
			}
			return nil, fmt.Errorf("eventloop: passing on the listener of %s: %w", l.Addr(), err)
		}
		files = append(files, f)
	}
	return files, nil
}

// listenerFile duplicates the descriptor itself. The file that net.TCPListener.File returns would be made blocking by File.Fd, and so
// by os/exec, and with it the socket in every process that has it.
func listenerFile(l net.Listener) (*os.File, error) {
	sc, ok := l.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%T has no descriptor", l)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	copied, err := -1, error(nil)
	if e := raw.Control(func(fd uintptr) { copied, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); e != nil {
		return nil, e
	}
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	return os.NewFile(uintptr(copied), l.Addr().String()), nil
}
