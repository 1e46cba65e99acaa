package apps_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"unsafe"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// sink is a connection that only counts.
type sink struct{ bytes int }

func (c *sink) Write(p []byte)              { c.bytes += len(p) }
func (c *sink) Close(ws.StatusCode, string) {}

// unasked is an Observer that nothing is to be reported to.
type unasked struct{ t *testing.T }

func (u unasked) Observe(a broadcast.Activity) { u.t.Errorf("told of %+v", a) }

// What a message costs, with everything that it causes written. Measured 1,000 times, so that what grows once does not
// show.
func TestAllocationsOfAMessage(t *testing.T) {
	hub := broadcast.NewHub(broadcast.Options{Observer: unasked{t}})
	x := apps.DefaultSettings()
	x.ID, x.Key, x.Secret = "x-id", "x-key", "x-secret"
	registry, err := apps.NewRegistry(hub, []apps.Settings{x})
	if err != nil {
		t.Fatal(err)
	}
	loop, again := hub.Loops()[0], false
	loop.Attach(func() {}, func() { again = true })
	sessions := &apps.Sessions{Registry: registry}
	connect := func() (*apps.Session, *sink) {
		s, c := sessions.Accept("/app/x-key"), new(sink)
		s.Open(loop, c, "")
		s.Message(ws.OpText, []byte(subscribe("room")))
		s.Flush()
		return s, c
	}
	s, own := connect()
	_, others := connect()
	for range 9 {
		connect()
	}
	tests := []struct {
		name, text string
		own, other int // bytes that must arrive
		allocs     float64
	}{
		{"pusher:ping", `{"event":"pusher:ping","data":{}}`, len(pong) + 2, 0, 0},
		{"pusher:pong", `{"event":"pusher:pong","data":{}}`, 0, 0, 0},
		{"an event that is ignored", `{"event":"hello","channel":"room","data":{}}`, 0, 0, 0},
		// The frame is shared by all ten who get it; the mailbox and the queues are used again.
		{"a whisper to ten", `{"event":"client-x","channel":"room","data":{"a":1}}`, 0, len(`{"event":"client-x","channel":"room","data":{"a":1}}`) + 2, 1},
		{"an unsubscribe of nothing", unsubscribe("other"), 0, 0, 0},
		// Only the frame that answers.
		{"nonsense", `nonsense`, len(invalidFormat) + 2, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			buf := make([]byte, len(tt.text))
			run := func() {
				copy(buf, tt.text) // parsing may overwrite it
				s.Message(ws.OpText, buf)
				s.Flush()
				loop.DrainUnlessScheduled()
				for again {
					again = false
					loop.Drain()
				}
			}
			run()
			own.bytes, others.bytes = 0, 0
			run()
			if own.bytes != tt.own || others.bytes != tt.other {
				t.Errorf("%d bytes came back and %d went to each other, want %d and %d", own.bytes, others.bytes, tt.own, tt.other)
			}
			if got := testing.AllocsPerRun(1000, run); got > tt.allocs {
				t.Errorf("%v allocations, want %v", got, tt.allocs)
			}
		})
	}
}

// What a publish costs beside the request itself, with everything that it causes written: the frame of each event, and nothing else.
func TestAllocationsOfAPublish(t *testing.T) {
	s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}})
	c := s.Sessions.Accept("/app/x-key")
	c.Open(s.Hub.Loops()[0], new(sink), "")
	c.Message(ws.OpText, []byte(subscribe("room")))
	for _, tt := range []struct {
		path, body string
		frames     float64
	}{
		{"/apps/x-id/events", `{"name":"e","channel":"room","data":"d"}`, 1},
		{"/apps/x-id/events", `{"name":"e","channels":["room","room"],"data":"d","socket_id":"1.2"}`, 2},
		{"/apps/x-id/events", `{"name":"e","channels":["room","empty"],"data":"d","socket_id":"1.2"}`, 1},
		{"/apps/x-id/batch_events", `{"batch":[{"name":"e","channel":"room","data":"d"},{"name":"e","channel":"room","data":"d"}]}`, 2},
	} {
		body := &whole{[]byte(tt.body)}
		query := pusher.SignQuery("x-key", "x-secret", http.MethodPost, tt.path, nil, body.p, s.Now())
		r := httptest.NewRequest(http.MethodPost, tt.path+"?"+query, nil)
		w := &discard{header: http.Header{}}
		publish := func() {
			clear(w.header)
			r.Body = body
			s.API.Serve(s.Hub.Loops()[0], w, r)
			s.Settle()
		}
		publish()
		if w.status != http.StatusOK {
			t.Fatalf("%s: status %d", tt.path, w.status)
		}
		if got := testing.AllocsPerRun(1000, publish); got != tt.frames {
			t.Errorf("%s: %v allocations, want %v", tt.body, got, tt.frames)
		}
	}
}

// whole is a body in one piece, as package eventloop gives it.
type whole struct{ p []byte }

func (b *whole) Read([]byte) (int, error) { return 0, io.EOF }
func (b *whole) Close() error             { return nil }
func (b *whole) Bytes() []byte            { return b.p }

// Looking after an idle client costs nothing either.
func TestAllocationsOfACheck(t *testing.T) {
	hub := broadcast.NewHub(broadcast.Options{})
	x := apps.DefaultSettings()
	x.ID, x.Key, x.Secret, x.PingInterval = "x-id", "x-key", "x-secret", 0 // due at every check
	registry, err := apps.NewRegistry(hub, []apps.Settings{x})
	if err != nil {
		t.Fatal(err)
	}
	s, c := (&apps.Sessions{Registry: registry}).Accept("/app/x-key"), new(sink)
	s.Open(hub.Loops()[0], c, "")
	s.Flush()
	c.bytes = 0
	run := func() {
		s.Control(ws.OpPong)
		s.Check()
		s.Flush()
		hub.Loops()[0].DrainUnlessScheduled()
	}
	if got := testing.AllocsPerRun(100, run); got > 0 {
		t.Errorf("%v allocations", got)
	}
	if c.bytes == 0 {
		t.Error("nothing was sent")
	}
}

// An idle connection is a Session, and what it does not use takes no memory.
func TestSessionSize(t *testing.T) {
	if size := unsafe.Sizeof(apps.Session{}); size > 160 { // a size class of Go's allocator
		t.Errorf("a Session has %d bytes", size)
	}
}
