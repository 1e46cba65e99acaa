package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"reverbd/apps"
	"reverbd/apps/webhook"
	"reverbd/broadcast"
	"reverbd/broadcast/redis"
	"reverbd/cmd/reverbd/console"
	"reverbd/eventloop"
)

// Options say what is shown. Hub, Registry and Server are required.
type Options struct {
	Version  string
	Hub      *broadcast.Hub
	Registry *apps.Registry
	Server   Sockets
	Draining func() bool          // nil: never
	Redis    func() redis.Stats   // nil for a node on its own
	Webhooks func() webhook.Stats // nil: none are sent
	LogLost  func() int64         // lines of the log that nobody has read; nil: none
	Console  *console.Console     // nil: nothing is streamed
	API      http.Handler         // by which the page publishes
	Prefix   string               // of the routes of API
	Level    *zap.AtomicLevel     // of the log, which may be changed; nil: it may not

	Password   string        // "" asks for none
	ReadyRedis time.Duration // how long Redis may be lost until /ready answers 503; 0 is for ever
	Pprof      bool          // serve /debug/pprof/
	Log        *zap.Logger
}

// Sockets is what is asked of an eventloop.Server.
type Sockets interface {
	Booted() <-chan struct{}
	Healthy(within time.Duration) bool
	Connections() int
	Stats() eventloop.Stats
}

// Server serves the admin address.
type Server struct {
	options Options
	http    *http.Server
	metrics http.Handler
	history *history

	redisSince atomic.Int64 // Unix nanoseconds since when Redis has been lost; 0 while it is there
	end        chan struct{}
	once       sync.Once
	running    sync.WaitGroup
}

// scrapeWait is how long a loop may take to tell its counters before the earlier ones are shown.
const scrapeWait = time.Second

// New returns a Server that does not serve yet.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Server{options: o, end: make(chan struct{}), history: newHistory()}
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorLog: zap.NewStdLog(o.Log)})
	stdLog, _ := zap.NewStdLogAt(o.Log, zapcore.DebugLevel)
	s.http = &http.Server{
		Handler: s.guard(s.routes()), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: stdLog,
	}
	return s
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics)
	mux.HandleFunc("GET /ready", s.ready)
	mux.HandleFunc("GET /live", s.live)
	s.pages(mux)
	if s.options.Level != nil {
		mux.Handle("GET /log-level", s.options.Level)
		mux.Handle("PUT /log-level", s.options.Level)
	}
	if s.options.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// guard refuses requests that no page of this server has made, and those without the password. /live and /ready need none: they tell
// nothing, and orchestrators have none.
func (s *Server) guard(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
		open := r.URL.Path == "/live" || r.URL.Path == "/ready"
		switch {
		case open:
		case s.options.Password == "" && !isLocalHost(r.Host):
			http.Error(w, "Without a password this address answers only to localhost and IP addresses, not to "+r.Host+".", http.StatusMisdirectedRequest)
			return
		case !s.authorized(r):
			h.Set("WWW-Authenticate", `Basic realm="reverbd", charset="UTF-8"`)
			http.Error(w, "The password is REVERB_ADMIN_PASSWORD, the user name does not matter.", http.StatusUnauthorized)
			return
		}
		sameOrigin.ServeHTTP(w, r)
	})
}

// isLocalHost reports whether a Host header names no domain: a page of another site whose name resolves to this machine (DNS rebinding)
// sends its own name.
func isLocalHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if name == "localhost" || name == "" {
		return true
	}
	if n := len(name); name[0] == '[' && name[n-1] == ']' {
		name = name[1 : n-1]
	}
	_, err = netip.ParseAddr(name)
	return err == nil
}

func (s *Server) authorized(r *http.Request) bool {
	if s.options.Password == "" {
		return true
	}
	_, given, _ := r.BasicAuth()
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.options.Password))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Serve serves on l until Close, and closes it.
func (s *Server) Serve(l net.Listener) error {
	s.running.Add(1)
	go s.watch()
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends everything that is served.
func (s *Server) Close() {
	s.once.Do(func() { close(s.end) })
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}

// watch looks once a second how things are, until Close.
func (s *Server) watch() {
	defer s.running.Done()
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for {
		select {
		case <-s.end:
			return
		case now := <-each.C:
			s.watchRedis(now)
			s.history.add(now, s.options.Hub.Totals(scrapeWait))
		}
	}
}
