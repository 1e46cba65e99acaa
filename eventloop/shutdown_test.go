package eventloop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"reverbd/broadcast"
)

// How many of n WebSockets of a loop are told after how much of the time.
func TestDrainIsSpread(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct {
		n            int
		over, passed time.Duration
		want         int
	}{
		{1000, 0, 0, 1000},
		{1000, 10 * time.Second, 0, 20},
		{1000, 10 * time.Second, time.Second, 120},
		{10000, 10 * time.Second, 0, 20},
		{10000, 10 * time.Second, time.Second, 1000},
		{10000, 10 * time.Second, 9999 * time.Millisecond, 9999},
		{10000, 10 * time.Second, 10 * time.Second, 10000},
		{5, time.Hour, 0, 5},
		{0, time.Hour, time.Second, 0},
	} {
		t.Run(fmt.Sprintf("%d over %v after %v", tt.n, tt.over, tt.passed), func(t *testing.T) {
			d := &drain{webSockets: make([]*broadcast.Subscriber, tt.n), begin: begin, spread: tt.over}
			if got := d.due(begin.Add(tt.passed)); got != tt.want {
				t.Errorf("%d are told, want %d", got, tt.want)
			}
		})
	}
}

// running is a server that the test shuts down itself, and waits for.
func running(t *testing.T, loops int) (s *Server, addr string, ran <-chan error) {
	t.Helper()
	l := loopback(t)
	hub := broadcast.NewHub(broadcast.Options{Loops: loops})
	directory := hub.NewDirectory("app")
	o := Options{
		Hub: hub, API: &api{}, MaxRequestSize: 10_000, Listeners: []net.Listener{l},
		Accept: func(path string) Session {
			if path != "/ws" {
				return nil
			}
			return &session{directory: directory}
		},
	}
	s = New(o)
	done := make(chan error, 1)
	go func() { done <- s.Run() }()
	receiveOne(t, s.Booted(), "boot")
	return s, l.Addr().String(), done
}

// Clients that are not told yet are served, and requests on connections that are in use are answered with the news that these end.
func TestServedUntilTold(t *testing.T) {
	s, addr, ran := running(t, 1)
	const n = 3 * minClosesPerTick
	var clients []*client
	for range n {
		clients = append(clients, dialWS(t, addr))
	}
	publisher := dial(t, addr)
	publisher.send(request("GET", "/1"))
	publisher.answer("GET")

	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(ctx, time.Hour, time.Hour) }()
	eventually(t, "it shuts down", s.stopping.Load)
	publisher.send(request("GET", "/2"))
	if _, header, body := publisher.answer("GET"); body != "GET /2 " || header.Get("Connection") != "close" {
		t.Error(header, body)
	}
	publisher.ends()
	_ = publisher.Close()

	for _, c := range clients { // in some ticks, each of which closes a few
		c.closed(4200)
		_ = c.Close()
	}
	if err := receiveOne(t, stopped, "Shutdown returns"); err != nil {
		t.Error(err)
	}
	if err := receiveOne(t, ran, "Run returns"); err != nil {
		t.Error(err)
	}
}

// A shutdown that is cut short does not wait for anybody.
func TestShutdownIsCut(t *testing.T) {
	s, addr, ran := running(t, 2)
	for range 2 * 2 * minClosesPerTick {
		dialWS(t, addr)
	}
	ctx, cut := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(ctx, time.Hour, 0) }()
	eventually(t, "it shuts down", s.stopping.Load)
	cut()
	if err := receiveOne(t, stopped, "Shutdown returns"); err != nil {
		t.Error(err)
	}
	if err := receiveOne(t, ran, "Run returns"); err != nil {
		t.Error(err)
	}
}

// A loop that is stuck does not keep a server from ending when its operator insists.
func TestShutdownOfAStuckLoop(t *testing.T) {
	s, addr, ran := running(t, 1)
	stuck, release := make(chan struct{}), make(chan struct{})
	s.loops[0].shared.Post(taskFunc(func() { close(stuck); <-release }))
	<-stuck
	_ = dial(t, addr) // is on its way to the loop
	ctx, cut := context.WithCancel(context.Background())
	cut()
	if err := s.Shutdown(ctx, 0, 0); err == nil {
		t.Error("it is said to have ended well")
	}
	close(release)
	if err := receiveOne(t, ran, "Run returns"); err != nil {
		t.Error(err)
	}
}

// A loop that is stuck is noticed, also when the other ones are well.
func TestHealthy(t *testing.T) {
	s, _ := startServer(t, 2, nil)
	if !s.Healthy(time.Hour) {
		t.Error("a server that is well does not turn")
	}
	release := make(chan struct{})
	s.loops[1].shared.Post(taskFunc(func() { <-release }))
	eventually(t, "a loop is stuck", func() bool { return !s.Healthy(2*tick) && s.loops[0].lastTick.Load() > s.loops[1].lastTick.Load() })
	close(release)
	eventually(t, "it turns again", func() bool { return s.Healthy(10 * tick) })
	if (&Server{booted: make(chan struct{})}).Healthy(time.Hour) {
		t.Error("a server that has not started turns")
	}
}

// New limits hold for connections that are there.
func TestLimit(t *testing.T) {
	s, addr := startServer(t, 1, nil)
	c := dial(t, addr)
	post := request("POST", "/a", "Content-Length: 2000") + string(make([]byte, 2000))
	c.send(post)
	if status, _, _ := c.answer("POST"); status != http.StatusOK {
		t.Error(status)
	}
	s.Limit(Limits{MaxRequestSize: 1000})
	c.send(post)
	if status, _, _ := c.answer("POST"); status != http.StatusRequestEntityTooLarge {
		t.Error(status)
	}
	if got := s.slowConsumerBytes(); got != 1<<20 {
		t.Errorf("a client may have %d bytes waiting", got)
	}
}
