package eventloop

import (
	"testing"
	"time"
)

// One loop that is stuck is noticed.
func TestHealthy(t *testing.T) {
	s, _ := startServer(t, 2, nil)
	if !s.Healthy(time.Hour) {
		t.Error("a server that works is not healthy")
	}
	release := make(chan struct{})
	s.loops[1].shared.Post(taskFunc(func() { <-release }))
	eventually(t, "a loop is stuck", func() bool { return !s.Healthy(2*tick) && s.loops[0].lastTick.Load() > s.loops[1].lastTick.Load() })
	close(release)
	eventually(t, "it is healthy again", func() bool { return s.Healthy(10 * tick) })
	if (&Server{booted: make(chan struct{})}).Healthy(time.Hour) {
		t.Error("a server that has not started is healthy")
	}
}
