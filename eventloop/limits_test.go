package eventloop

import (
	"net/http"
	"testing"
)

// New limits apply to open connections.
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
