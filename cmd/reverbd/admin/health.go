package admin

import (
	"fmt"
	"net/http"
	"time"
)

// stuck is how long a loop may be without a tick until /live answers 503.
const stuck = 5 * time.Second

// live answers 503 when an event loop does not turn: restarting the process is all that helps.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.options.Server.Booted():
	default:
		health(w, http.StatusOK, "starting")
		return
	}
	if !s.options.Server.Healthy(stuck) {
		health(w, http.StatusServiceUnavailable, "an event loop has not turned for "+stuck.String())
		return
	}
	health(w, http.StatusOK, "ok")
}

// ready answers 503 when no new clients should be sent here.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-s.options.Server.Booted():
	default:
		health(w, http.StatusServiceUnavailable, "starting")
		return
	}
	if s.options.Draining != nil && s.options.Draining() {
		health(w, http.StatusServiceUnavailable, "draining")
		return
	}
	since := s.redisSince.Load()
	if lost := time.Since(time.Unix(0, since)); since != 0 && s.options.ReadyRedis > 0 && lost > s.options.ReadyRedis {
		health(w, http.StatusServiceUnavailable, fmt.Sprintf("Redis has been lost for %s", lost.Round(time.Second)))
		return
	}
	health(w, http.StatusOK, "ok")
}

func health(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// watchRedis notes since when Redis has been lost.
func (s *Server) watchRedis(now time.Time) {
	switch {
	case s.options.Redis == nil:
	case s.options.Redis().Connected:
		s.redisSince.Store(0)
	default:
		s.redisSince.CompareAndSwap(0, now.UnixNano())
	}
}
