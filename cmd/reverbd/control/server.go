package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Server answers on a control socket.
type Server struct {
	uid    int
	answer func(Command) Answer
	tail   func(s Selection, gone <-chan struct{}, send func(line any) error) // see OnTail; nil: there is none
	path   string                                                             // belongs to the caller of Listen

	mu       sync.Mutex // guards what follows
	listener *net.UnixListener
	own      identity // of the socket's file
	conns    map[*net.UnixConn]bool
	closed   bool
	running  sync.WaitGroup
}

// ErrInUse says that another server answers there.
var ErrInUse = errors.New("another server has this control socket")

// Listen begins to answer at path. A stale socket there, which no server answers, is replaced; one that a server answers is an
// error, unless takeOver says that this server takes over from it. answer is called from several goroutines.
func Listen(path string, takeOver bool, answer func(Command) Answer) (*Server, error) {
	if err := checkUnused(path, takeOver); err != nil {
		return nil, fmt.Errorf("control: %s: %w", path, err)
	}
	s := &Server{path: path, uid: os.Geteuid(), answer: answer, conns: make(map[*net.UnixConn]bool)}
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

// OnTail says what answers Tail: f sends lines until gone is closed or sending fails. It is called from several goroutines, and before
// OnTail there is no answer.
func (s *Server) OnTail(f func(sel Selection, gone <-chan struct{}, send func(line any) error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = f
}

// stream answers Tail on c.
func (s *Server) stream(c *net.UnixConn, sel Selection) {
	s.mu.Lock()
	tail := s.tail
	if s.closed || tail == nil {
		s.mu.Unlock()
		return
	}
	_ = c.SetReadDeadline(time.Time{}) // Close sets it again
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		_, _ = c.Read(make([]byte, 1)) // the client sends nothing more: it has gone, or Close has been called
		close(gone)
	}()
	tail(sel, gone, func(line any) error {
		_ = c.SetWriteDeadline(time.Now().Add(exchangeTimeout))
		return writeLine(c, line)
	})
	_ = c.CloseRead()
	<-gone
}

// checkUnused reports why no socket may be put at path.
func checkUnused(path string, takeOver bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != os.ModeSocket:
		return errors.New("there is a file that is no socket; remove it")
	case takeOver:
		return nil
	}
	if c, err := net.DialTimeout("unix", path, dialTimeout); err == nil {
		_ = c.Close()
		return ErrInUse
	}
	return nil // it is stale
}

// listen makes the socket under another name and moves it into its place, so that it is never there without being answered.
func (s *Server) listen() error {
	temporary := s.path + "." + strconv.Itoa(os.Getpid())
	_ = os.Remove(temporary) // of an earlier process with our id
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	l.SetUnlinkOnClose(false)
	own, err := identityOf(temporary)
	if err == nil {
		err = os.Chmod(temporary, 0o600)
	}
	if err == nil {
		err = os.Rename(temporary, s.path)
	}
	if err != nil {
		_ = l.Close()
		_ = os.Remove(temporary)
		return fmt.Errorf("control: %w", err)
	}
	s.mu.Lock()
	s.listener, s.own = l, own
	s.mu.Unlock()
	s.running.Go(func() { s.accept(l) })
	return nil
}

// Missing reports that the file of the socket, or its directory, has been removed, so that clients cannot find it.
func (s *Server) Missing() bool {
	_, err := identityOf(s.path)
	return errors.Is(err, os.ErrNotExist)
}

// Reclaim puts a socket of this server at path again: when a successor failed after it had put its own there, and when the file is
// missing.
func (s *Server) Reclaim(path string) error {
	if now, err := identityOf(path); err == nil && now == s.own {
		return nil
	}
	_ = s.listener.Close()
	s.path = path
	return s.listen()
}

// Close stops answering and removes the socket's file, unless another server has replaced it.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	_ = s.listener.Close()
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // a request that was read is answered
	}
	s.mu.Unlock()
	if now, err := identityOf(s.path); err == nil && now == s.own {
		_ = os.Remove(s.path)
	}
	s.running.Wait()
}

func (s *Server) accept(l *net.UnixListener) {
	for {
		c, err := l.AcceptUnix()
		switch {
		case err == nil:
			s.serve(c)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(100 * time.Millisecond) // out of descriptors, perhaps, which may pass
		}
	}
}

// exchangeTimeout bounds reading a request, and writing its answer.
const exchangeTimeout = 10 * time.Second

func (s *Server) serve(c *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return
	}
	s.conns[c] = true
	_ = c.SetReadDeadline(time.Now().Add(exchangeTimeout))
	s.running.Go(func() {
		defer func() {
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
		q, a := s.handle(c)
		if q.Command == Tail && a.Error == "" {
			s.stream(c, q.Selection)
			return
		}
		_ = c.SetWriteDeadline(time.Now().Add(exchangeTimeout))
		_ = writeLine(c, a) // fails where the client has gone
	})
}

// handle reads a request and carries it out, if it is not a Tail.
func (s *Server) handle(c *net.UnixConn) (q request, a Answer) {
	_, uid, err := peerOf(c)
	if err != nil {
		return q, Answer{Error: fmt.Sprintf("who asks cannot be told: %v", err)}
	}
	if uid != s.uid && uid != 0 {
		return q, Answer{Error: fmt.Sprintf("user %d may not control a server of user %d", uid, s.uid)}
	}
	if q, err = readRequest(c); err != nil {
		return q, Answer{Error: err.Error()}
	}
	if q.Command == Tail {
		return q, Answer{}
	}
	return q, s.answer(q.Command)
}

// isStale reports whether an error of dialing means that no server listens on the socket.
func isStale(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }
