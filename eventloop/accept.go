package eventloop

import (
	"context"
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

// acceptors accept connections, one goroutine for each listener, count them with the connection limiter, and enroll them in the loop
// that has the fewest.
type acceptors struct {
	server     *Server
	listeners  []net.Listener
	handshakes *handshakeStage
	enrolling  chan enrollment
	accepting  sync.WaitGroup
	settled    chan struct{} // closed when every enrollment has ended
	stopped    chan struct{} // closed by stop
	once       sync.Once
}

// enrollment is a connection on its way to its loop.
type enrollment struct {
	conn   *conn
	result <-chan gnet.RegisteredResult
}

func (s *Server) startAcceptors() *acceptors {
	a := &acceptors{
		server: s, listeners: s.options.Listeners, handshakes: newHandshakeStage(s, s.options.Handshakes), enrolling: make(chan enrollment, maxEnrolling*len(s.loops)),
		settled: make(chan struct{}), stopped: make(chan struct{}),
	}
	for _, l := range a.listeners {
		a.accepting.Go(func() { a.acceptLoop(l) })
	}
	go a.awaitEnrollments()
	return a
}

// stop closes the listeners and waits until every accepted connection has come to its loop.
func (a *acceptors) stop() {
	a.once.Do(func() {
		close(a.stopped)
		listen.Close(a.listeners)
		a.accepting.Wait()
		a.handshakes.stop()
		close(a.enrolling)
	})
	<-a.settled
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
	cn := &conn{loop: s.leastLoaded()}
	cn.loop.connections.Add(1)
	if header, handshake := a.handshakes.needed(c); header || handshake {
		a.handshakes.start(c, cn, header, handshake, func(c net.Conn, arrived *handshaken) { a.enroll(c, cn, arrived) })
		return
	}
	a.enroll(c, cn, cn)
}

// enroll hands c to the loop of cn. what is the context that OnOpen gets: cn, or a *handshaken with it. enroll waits while too many
// connections are on their way.
func (a *acceptors) enroll(c net.Conn, cn *conn, what any) {
	result, err := (*cn.loop.gnet.Load()).Enroll(gnet.NewContext(context.Background(), what), c)
	if err != nil {
		_ = c.Close()
		a.server.enrollFailed(cn, err)
		return
	}
	a.enrolling <- enrollment{cn, result}
}

// awaitEnrollments counts out the connections that gnet could not enroll: it calls neither OnOpen nor OnClose for them.
func (a *acceptors) awaitEnrollments() {
	defer close(a.settled)
	for e := range a.enrolling {
		select {
		case r := <-e.result:
			if r.Err != nil {
				a.server.enrollFailed(e.conn, r.Err)
			} else if !e.conn.enrolled { // gnet reports no error when its poller has refused
				a.server.enrollFailed(e.conn, errPoller)
			}
		case <-a.server.failed: // a loop that has ended opens no connection, and reports no error
		}
	}
}

var errPoller = errors.New("eventloop: the poller takes no more connections (fs.epoll.max_user_watches)")

// enrollFailed counts out a connection that has not come to its loop, and logs why.
func (s *Server) enrollFailed(c *conn, err error) {
	s.countOut(c)
	s.logAcceptFailure(nil, err)
}

// countOut counts a connection out.
func (s *Server) countOut(c *conn) {
	c.loop.connections.Add(-1)
	s.limiter.release()
}

// leastLoaded is the loop with the fewest connections.
func (s *Server) leastLoaded() *loop {
	best := s.loops[0]
	for _, l := range s.loops[1:] {
		if l.connections.Load() < best.connections.Load() {
			best = l
		}
	}
	return best
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
