package eventloop

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// immediate is an API made of a function that is called on the loop.
type immediate func()

func (f immediate) Immediate(*http.Request) bool { return true }

func (f immediate) Refuse(*broadcast.Loop, http.ResponseWriter, *http.Request) bool { return false }

func (f immediate) Serve(*broadcast.Loop, http.ResponseWriter, *http.Request) { f() }

// The four walks over all connections of a loop. Each of them visits every connection once, and another client is served before it
// has ended.
func TestSocketsAreServedDuringWalks(t *testing.T) {
	const connections, middle, user = 200, 100, `{"user_id":"u"}`
	visits, served := 0, atomic.Int64{} // visits is owned by the loop
	var other *client                   // nil until the walk may begin
	visit := func() {
		for begin := time.Now(); time.Since(begin) < 500*time.Microsecond; { // so that the walk takes many turns
		}
		if visits++; visits == middle {
			other.send(request("GET", "/")) // is in the socket before the next visit
		}
	}
	var checks map[*session]int // of the timers; nil before their walk
	start := func(t *testing.T, how func(s *session)) (s *Server, clients []*client) {
		visits, other, checks = 0, nil, nil
		served.Store(-1)
		s, addr := startServer(t, 1, func(o *Options, s *Server) {
			with(how)(o, s)
			o.API = immediate(func() { served.Store(int64(visits)) })
			s.drainGrace = time.Minute
		})
		for range connections {
			c := dialWS(t, addr)
			c.echoes("x")
			clients = append(clients, c)
		}
		other = dial(t, addr)
		other.send(request("GET", "/"))
		other.answer("GET")
		return s, clients
	}
	check := func(t *testing.T) {
		t.Helper()
		other.answer("GET")
		if n := served.Load(); n < middle || n >= connections {
			t.Errorf("a request that came with visit %d was served after visit %d of %d", middle, n, connections)
		}
	}
	closing := func(s *session) {
		once := false
		s.gone = func(*session) {
			if !once {
				once = true
				visit()
			}
		}
	}

	t.Run("timers", func(t *testing.T) {
		s, _ := start(t, func(s *session) {
			s.check = func(s *session) time.Duration {
				if checks == nil {
					return 50 * tick
				}
				checks[s]++
				visit()
				return time.Hour
			}
		})
		l, done := s.loops[0], make(chan int)
		l.shared.Post(taskFunc(func() { // a loop that was held up for twenty seconds
			checks = make(map[*session]int)
			l.wheelTime = l.wheelTime.Add(-100 * tick)
		}))
		check(t)
		eventually(t, "all timers have fired", func() bool {
			l.shared.Post(taskFunc(func() { done <- visits }))
			return <-done >= connections
		})
		l.shared.Post(taskFunc(func() {
			for _, n := range checks {
				if n != 1 {
					t.Errorf("a timer has fired %d times", n)
				}
			}
			done <- len(checks)
		}))
		if n := <-done; n != connections {
			t.Errorf("%d timers have fired, want %d", n, connections)
		}
	})
	t.Run("drain", func(t *testing.T) {
		s, clients := start(t, closing)
		stopped := make(chan error, 1)
		go func() { stopped <- s.Shutdown(t.Context(), 0, time.Hour) }()
		check(t)
		_ = other.Close()
		for _, c := range clients {
			c.closed(4200)
			_ = c.Close()
		}
		if err := receiveOne(t, stopped, "Shutdown returns"); err != nil {
			t.Error(err)
		}
	})
	t.Run("disconnect", func(t *testing.T) {
		s, clients := start(t, closing)
		directoryOf(t, s).Disconnect(&pusher.Error{Code: 4001, Message: "gone"})
		check(t)
		for _, c := range clients {
			c.closed(4001)
		}
	})
	t.Run("terminate", func(t *testing.T) {
		const channel = "presence-room"
		s, clients := start(t, func(s *session) {
			closing(s)
			s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) {
				s.join(l, c)
				id, err := broadcast.NewIdentity([]byte(user))
				if err != nil {
					panic(err)
				}
				s.directory.Subscribe(&s.Subscriber, []byte(channel), pusher.KindOf([]byte(channel)), id)
			}
		})
		member, err := pusher.ParseMember([]byte(user))
		if err != nil {
			t.Fatal(err)
		}
		if err := directoryOf(t, s).Command(broadcast.Command{Action: broadcast.ActionTerminate, User: string(member.Key)}); err != nil {
			t.Fatal(err)
		}
		check(t)
		for _, c := range clients {
			for {
				op, p, err := c.next()
				if err != nil || op == ws.OpClose && p != "\x0f\xa9You got disconnected by the app." { // 4009
					t.Fatalf("%q, %v", p, err)
				}
				if op == ws.OpClose {
					break
				}
			}
			c.ends()
		}
	})
}
