package eventloop

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/eventloop/listen"
	"reverbd/eventloop/proxy"
	"reverbd/protocol/ws"
)

// Session is the protocol of a connection after the upgrade. Its methods are called on the loop of the connection. A Session embeds a
// broadcast.Subscriber, which has Send, Flush and Deflate.
type Session interface {
	// Open begins the session, or refuses it through c.Close. It must add the Subscriber to l. origin is the Origin header.
	Open(l *broadcast.Loop, c broadcast.Conn, origin string)
	// Message handles one whole message, OpText or OpBinary. The session may overwrite payload and must not keep it.
	Message(op ws.OpCode, payload []byte)
	// Control is called for every control frame of the client.
	Control(op ws.OpCode)
	// Check is called when the time that the last Check returned has passed.
	Check() time.Duration
	// Gone ends the session: it must not use the connection any more. code and reason are those of the close frame that ended it, 1006
	// without one (RFC 6455 section 7.1.5). It may be called twice.
	Gone(code ws.StatusCode, reason string)
	// MaxMessageSize is the largest message of the client, in bytes; 0 is no limit.
	MaxMessageSize() int64
	// Send queues a frame, Flush writes what is queued.
	Send(f broadcast.Frame)
	Flush()
	// Close tells the client why the connection ends, and closes it through c.Close of Open.
	Close(code ws.StatusCode, reason string)
	// Deflate is called once, after Open, if the client takes compressed frames.
	Deflate()
}

// API answers the requests that are not upgraded.
type API interface {
	// Serve answers r, and does not keep it. loop is the loop that it runs on, and nil if it runs on a worker and may wait.
	Serve(loop *broadcast.Loop, w http.ResponseWriter, r *http.Request)
	// Immediate reports whether Serve never waits for r, so that it may run on a loop. Then neither reads the Header of r.
	Immediate(r *http.Request) bool
	// Refuse responds to r, whose head has arrived and whose body has not, if no body can make it right, and reports whether it
	// has. It is called on a loop, and never waits.
	Refuse(loop *broadcast.Loop, w http.ResponseWriter, r *http.Request) bool
}

// Options configure a Server. Listeners, Hub, Accept and API are required.
type Options struct {
	Listeners         []net.Listener            // TCP and unix sockets; the Server closes them
	TLS               *tls.Config               // spoken on TCP; nil: TLS is not spoken
	TrustedProxies    proxy.Trusted             // whose word about the client counts
	ProxyProtocol     bool                      // trusted proxies begin with a header of the PROXY protocol on TCP
	ClientIPHeader    string                    // in which they tell it in a request, in canonical form; "" is proxy.DefaultHeader
	Hub               *broadcast.Hub            // as many event loops as it has
	Accept            func(path string) Session // by percent-encoded path; nil: not one for WebSockets
	API               API
	MaxRequestSize    int   // bytes of head and body; 0 is no limit
	SlowConsumerBytes int   // waiting for one client before it is cut off; 0 is 1 MiB
	MemoryBudget      int64 // bytes that may wait in memory for all clients; 0 is no limit
	MaxConnections    int   // 0: as many as the descriptor limit allows; never more than that
	Handshakes        int   // TLS handshakes that compute at once; 0 is half of GOMAXPROCS
	Compression       bool  // permessage-deflate for clients that offer it
	Log               *zap.Logger
	Refusals          *limitlog.Log // nil: one of its own

	// Refused is told of what is answered with an error before it comes to the API; nil: nobody is. It is called on the loop.
	Refused func(loop *broadcast.Loop, client string, status int, reason string)
}

// Server serves HTTP requests and WebSockets on its listeners.
type Server struct {
	gnet.BuiltinEventEngine
	options Options
	created time.Time // the zero of lastTick
	hub     *broadcast.Hub
	api     API
	log     *zap.Logger
	limits  limits

	// The timeouts of the same names, which tests shorten.
	requestTimeout, idleTimeout, lingeringTimeout, drainGrace, handshakeTimeout time.Duration

	limiter   connLimiter
	workers   *workerPool
	loops     []*loop // one for each of the hub
	acceptors *acceptors
	booted    chan struct{} // closed when the fields above are set
	quit      chan struct{} // closed by Shutdown: the loops are to end
	failed    chan struct{} // closed when a loop has ended by itself
	ended     chan struct{} // closed when Run returns
	quitOnce  sync.Once
	failOnce  sync.Once
	stopping  atomic.Bool
	stats     stats
	refusals  *limitlog.Log
}

// stats are counters since the start, beside those of refusals. Safe for concurrent use.
type stats struct{ panics, handshakes atomic.Int64 }

// Stats are what has happened to connections since the start.
type Stats struct {
	Refused          int64 // for want of room
	SlowConsumers    int64 // cut off
	Panics           int64
	Handshakes       int64            // of TLS that succeeded
	FailedHandshakes int64            // of TLS and the PROXY protocol
	PlainTLS         int64            // closed, since the client speaks TLS and the server does not
	Limits           []limitlog.Count // all that has been refused
}

// Stats returns the counters. Safe for concurrent use.
func (s *Server) Stats() Stats {
	return Stats{
		Refused: s.refusals.Of(limitlog.Connections), SlowConsumers: s.refusals.Of(limitlog.SlowConsumer), Panics: s.stats.panics.Load(),
		Handshakes: s.stats.handshakes.Load(), FailedHandshakes: s.refusals.Of(limitlog.Handshake), PlainTLS: s.refusals.Of(limitlog.PlainTLS),
		Limits: s.refusals.Counts(),
	}
}

// ErrStopped is returned by Run when gnet has stopped without Shutdown.
var ErrStopped = errors.New("eventloop: the engine has stopped without being asked to")

// New returns a Server that does not accept connections yet.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Handshakes == 0 {
		o.Handshakes = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if o.Refusals == nil {
		o.Refusals = limitlog.New(o.Log)
	}
	if o.ClientIPHeader == "" {
		o.ClientIPHeader = proxy.DefaultHeader
	}
	s := &Server{
		options: o, hub: o.Hub, api: o.API, log: o.Log, refusals: o.Refusals,
		requestTimeout: requestTimeout, idleTimeout: idleTimeout, lingeringTimeout: lingeringTimeout, drainGrace: drainGrace, handshakeTimeout: handshakeTimeout,
		created: time.Now(), booted: make(chan struct{}), quit: make(chan struct{}), failed: make(chan struct{}), ended: make(chan struct{}),
	}
	s.Limit(Limits{MaxRequestSize: o.MaxRequestSize, SlowConsumerBytes: o.SlowConsumerBytes})
	for _, shared := range o.Hub.Loops() {
		s.loops = append(s.loops, s.newLoop(shared))
	}
	return s
}

// Booted is closed when the server accepts connections.
func (s *Server) Booted() <-chan struct{} { return s.booted }

// Connections is the number of open connections, HTTP and WebSocket. Safe for concurrent use.
func (s *Server) Connections() int { return int(s.limiter.count.Load()) }

// Run serves until Shutdown. A descriptor limit that leaves no room for connections is an error before anything is accepted. Run may be
// called once.
func (s *Server) Run() error {
	defer close(s.ended)
	defer listen.Close(s.options.Listeners)
	room, err := maxConnections(len(s.loops))
	if err != nil {
		return err
	}
	s.limiter.max = room
	if n := int64(s.options.MaxConnections); n > 0 && n < room {
		s.limiter.max = n
	}
	engine, err := s.startLoops()
	if err != nil {
		return err
	}
	defer s.closeWakers()
	s.workers = startWorkerPool(max(8, 4*runtime.GOMAXPROCS(0)), 1024)
	s.acceptors = s.startAcceptors(engine)
	close(s.booted)

	select {
	case <-s.quit:
	case <-s.failed:
		err = ErrStopped
	}
	s.acceptors.stop()                // before the loops: accepted connections are on their way to them
	s.workers.stop(workerStopTimeout) // before the loops, too: responses go through them
	if e := engine.Stop(); e != nil && err == nil {
		err = fmt.Errorf("eventloop: %w", e)
	}
	return err
}

// workerStopTimeout is for requests that workers still serve when everything else has ended.
const workerStopTimeout = time.Second

// startLoops starts gnet's loops and attaches each of s.loops to one of them.
func (s *Server) startLoops() (*gnet.Client, error) {
	engine, err := gnet.NewClient(s,
		gnet.WithNumEventLoop(len(s.loops)),
		gnet.WithTicker(true),
		gnet.WithTCPNoDelay(gnet.TCPDelay), // it is on already: net sets it on what it accepts
		gnet.WithLogger(&gnetLog{s.log.WithOptions(zap.IncreaseLevel(zap.WarnLevel)).Sugar(), s.refusals}))
	if err != nil {
		return nil, fmt.Errorf("eventloop: %w", err)
	}
	if err := engine.Start(); err != nil {
		return nil, fmt.Errorf("eventloop: %w", err)
	}
	for _, l := range s.loops {
		if err := l.attach(engine); err != nil {
			_ = engine.Stop()
			s.closeWakers()
			return nil, err
		}
	}
	return engine, nil
}

func (s *Server) closeWakers() {
	for _, l := range s.loops {
		if l.waker != nil {
			l.waker.close()
		}
	}
}

// StopAccepting closes the listeners; open connections go on. Another process that has the sockets (see ListenerFiles) accepts the
// connections in their accept queues; if there is none, the kernel resets them. The files of unix sockets stay.
func (s *Server) StopAccepting() {
	for _, l := range s.options.Listeners {
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
	}
	listen.Close(s.options.Listeners)
}

// upgradeTo returns the session that r is to be upgraded to, or why the upgrade is refused, or neither for a request to the API.
// Requests for other upgrades, such as h2c, are served as if they had not asked for one.
func (s *Server) upgradeTo(r *http.Request) (Session, *ws.HandshakeError) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // the absolute form (RFC 9112 section 3.2.2)
		path = r.URL.EscapedPath()
	}
	session := s.options.Accept(path)
	if session == nil {
		return nil, nil
	}
	if err := ws.CheckUpgrade(r); err != nil {
		return nil, err
	}
	return session, nil
}
