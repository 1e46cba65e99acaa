package eventloop

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"reverbd/broadcast"
)

// running is a server that the test shuts down itself.
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

// Clients are served until they are closed, and requests on open connections are answered with Connection: close.
func TestServedUntilClosed(t *testing.T) {
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

	for _, c := range clients { // in several ticks, each of which closes a few
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

// A shutdown whose context is done does not wait for clients.
func TestShutdownIsCanceled(t *testing.T) {
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

// A loop that is stuck does not keep Shutdown from returning when its context is done.
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

// Shutdown closes with 4200, and with 4100 what connects during it: after 4200 a client would come back to the same process at once.
// Run returns nil.
func TestShutdown(t *testing.T) {
	release := make(chan struct{})
	l := loopback(t)
	addr := l.Addr().String()
	hub := broadcast.NewHub(broadcast.Options{Loops: 2})
	s := New(Options{
		Listeners: []net.Listener{l}, Hub: hub, API: &api{release}, MaxRequestSize: 10_000,
		Accept: func(path string) Session {
			if path == "/ws" {
				return &session{}
			}
			return nil
		},
	})
	s.drainGrace = 20 * time.Second
	ran := make(chan error, 1)
	go func() { ran <- s.Run() }()
	receiveOne(t, s.Booted(), "boot")

	var clients []*client
	for range 100 {
		clients = append(clients, dialWS(t, addr))
	}
	idle, pooled := dial(t, addr), dial(t, addr)
	for _, c := range []*client{idle, pooled} {
		c.send(request("GET", "/"))
		c.answer("GET")
	}
	pooled.send(upgradeRequest[:40])
	waiting, halfway := dial(t, addr), dial(t, addr)
	waiting.send(request("GET", "/slow") + request("GET", "/too late"))
	halfway.send(upgradeRequest[:40])
	eventually(t, "all are there", func() bool { return s.Connections() == 104 })
	idle2 := dialWS(t, addr) // a round trip on a loop, after the bytes above
	clients = append(clients, idle2)

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(ctx, 0, 0) }()
	for _, c := range clients {
		c.closed(4200)
		_ = c.Close()
	}
	idle.ends()
	_ = idle.Close()
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("the server still listens")
	}

	halfway.send(upgradeRequest[40:]) // is upgraded while the others are closed
	halfway.upgraded()
	halfway.closed(4100) // after which clients wait a second, in which another process begins to listen
	_ = halfway.Close()
	pooled.send(upgradeRequest[40:]) // through a proxy, which has kept the connection
	if status, header, body := pooled.answer("GET"); status != 503 || header.Get("Connection") != "close" {
		t.Error(status, header, body)
	}
	pooled.ends()
	_ = pooled.Close()

	close(release) // the request that a worker serves is answered
	if _, header, body := waiting.answer("GET"); body != "GET /slow " || header.Get("Connection") != "close" {
		t.Error(header, body)
	}
	waiting.ends()
	_ = waiting.Close()
	if err := receiveOne(t, stopped, "Shutdown returns"); err != nil {
		t.Error("Shutdown:", err)
	}
	if err := receiveOne(t, ran, "Run returns"); err != nil {
		t.Error("Run:", err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	again, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal("the port is not free:", err)
	}
	_ = again.Close()
}

// Shutdown may be called before the server listens.
func TestShutdownAtOnce(t *testing.T) {
	for range 3 {
		s := New(Options{Listeners: []net.Listener{loopback(t)}, Hub: broadcast.NewHub(broadcast.Options{Loops: 2}), API: &api{}})
		ran := make(chan error, 1)
		go func() { ran <- s.Run() }()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx, 0, 0); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := receiveOne(t, ran, "Run returns"); err != nil {
			t.Error("Run:", err)
		}
	}
}

func TestShutdownOfAServerThatNeverRuns(t *testing.T) {
	s := New(Options{Hub: broadcast.NewHub(broadcast.Options{}), API: &api{}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx, 0, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
