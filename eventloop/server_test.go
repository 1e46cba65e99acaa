package eventloop

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// session is a Session made of functions. Without them it echoes.
type session struct {
	broadcast.Subscriber
	directory *broadcast.Directory

	open    func(s *session, l *broadcast.Loop, c broadcast.Conn)
	message func(s *session, p string)
	control func(s *session, op ws.OpCode)
	check   func(s *session) time.Duration
	gone    func(s *session)
}

func (s *session) Open(l *broadcast.Loop, c broadcast.Conn, _ string) {
	if s.open != nil {
		s.open(s, l, c)
		return
	}
	s.join(l, c)
}

func (s *session) join(l *broadcast.Loop, c broadcast.Conn) {
	l.Add(&s.Subscriber, pusher.NewSocketID(), s.directory, c)
}

func (s *session) Message(op ws.OpCode, p []byte) {
	if s.message != nil {
		s.message(s, string(p))
		return
	}
	s.Send(ws.AppendFrame(nil, op, p))
}

func (s *session) Control(op ws.OpCode) {
	if s.control != nil {
		s.control(s, op)
	}
}

func (s *session) Check() time.Duration {
	if s.check != nil {
		return s.check(s)
	}
	return time.Hour
}

func (s *session) Gone(ws.StatusCode, string) {
	if s.gone != nil {
		s.gone(s)
	}
	s.Loop().Remove(&s.Subscriber)
}

func (s *session) MaxMessageSize() int64 { return 1 << 20 }

func (s *session) subscribe(channel string) {
	s.Send(s.directory.Subscribe(&s.Subscriber, []byte(channel), pusher.KindOf([]byte(channel)), nil).Success)
}

func textOf(s string) broadcast.Frame { return ws.AppendFrame(nil, ws.OpText, []byte(s)) }

// api answers with the method, the path and the body. Requests for paths that begin with /slow wait for release.
type api struct{ release chan struct{} }

func (a *api) Immediate(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/slow") }

// Refuse refuses requests for paths that begin with /unsigned.
func (a *api) Refuse(_ *broadcast.Loop, w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, "/unsigned") {
		return false
	}
	http.Error(w, "unsigned", http.StatusUnauthorized)
	return true
}

func (a *api) Serve(l *broadcast.Loop, w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/slow") {
		if l != nil {
			panic("on a loop")
		}
		<-a.release
	}
	if strings.HasSuffix(r.URL.Path, "/panic") {
		panic("on purpose")
	}
	body, _ := io.ReadAll(r.Body)
	w.Header()["Content-Type"] = []string{"text/plain"}
	_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
}

// startServer runs a server until the test ends. how changes its options, and the timeouts of the server. Run must return nil.
func startServer(t *testing.T, loops int, how func(o *Options, s *Server)) (s *Server, addr string) {
	t.Helper()
	l := loopback(t)
	addr = l.Addr().String()
	o := Options{
		Listeners: []net.Listener{l}, Hub: broadcast.NewHub(broadcast.Options{Loops: loops}), API: &api{}, MaxRequestSize: 10_000,
	}
	directory := o.Hub.NewDirectory("app")
	o.Accept = func(path string) Session {
		if path == "/ws" {
			return &session{directory: directory}
		}
		return nil
	}
	probe := &Server{}
	if how != nil {
		how(&o, probe)
	}
	s = New(o)
	for _, d := range []struct{ given, use *time.Duration }{
		{&probe.requestTimeout, &s.requestTimeout}, {&probe.idleTimeout, &s.idleTimeout}, {&probe.lingeringTimeout, &s.lingeringTimeout},
		{&probe.drainGrace, &s.drainGrace},
		{&probe.handshakeTimeout, &s.handshakeTimeout},
	} {
		if *d.given != 0 {
			*d.use = *d.given
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run() }()
	select {
	case <-s.Booted():
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx, 0, 0); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := receiveOne(t, ended, "Run returns"); err != nil {
			t.Error("Run:", err)
		}
	})
	return s, addr
}

// with has startServer use sessions that configure changes.
func with(configure func(s *session)) func(*Options, *Server) {
	return func(o *Options, _ *Server) {
		directory := o.Hub.NewDirectory("app")
		o.Accept = func(path string) Session {
			if path != "/ws" {
				return nil
			}
			s := &session{directory: directory}
			configure(s)
			return s
		}
	}
}

// directoryOf is the directory of the sessions of s.
func directoryOf(t *testing.T, s *Server) *broadcast.Directory {
	t.Helper()
	return s.options.Accept("/ws").(*session).directory
}

// taskFunc is a broadcast.Task made of a function.
type taskFunc func()

func (f taskFunc) Run() { f() }

// What is posted to a loop before the server runs is done when it runs, and does not keep the loop from being woken later: the timeout
// of a client that sends nothing is noticed.
func TestPostedBeforeTheFirstConnection(t *testing.T) {
	ran := make(chan struct{})
	_, addr := startServer(t, 1, func(o *Options, s *Server) {
		s.requestTimeout = 300 * time.Millisecond
		o.Hub.Loops()[0].Post(taskFunc(func() { close(ran) }))
	})
	c := dial(t, addr)
	receiveOne(t, ran, "the task runs")
	c.ends()
}

// Any goroutine may post while loops start and after the server has ended.
func TestPostedAtAnyTime(t *testing.T) {
	var hub *broadcast.Hub
	stop := make(chan struct{})
	var posters sync.WaitGroup
	defer posters.Wait()
	defer close(stop)
	var ran, posted atomic.Int64
	_, addr := startServer(t, 4, func(o *Options, _ *Server) { hub = o.Hub })
	for _, l := range hub.Loops() {
		posters.Go(func() {
			for range 2000 {
				select {
				case <-stop:
					return
				default:
				}
				posted.Add(1)
				l.Post(taskFunc(func() { ran.Add(1) }))
			}
		})
	}
	for range 100 {
		c := dialWS(t, addr)
		c.send(textFrame("x"))
		c.gets(ws.OpText, "x")
	}
	eventually(t, "everything has run", func() bool { return ran.Load() == 8000 })
}
