package eventloop

import (
	"context"
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
	"reverbd/protocol/ws"
)

// Session is what a connection speaks after the upgrade. Its methods are called on the loop of its connection. A Session
// embeds a broadcast.Subscriber, which gives it Send and Flush.
type Session interface {
	// Open begins the session, or refuses it through c.Close. origin is the Origin header.
	Open(l *broadcast.Loop, c broadcast.Conn, origin string)
	// Message is one whole message, OpText or OpBinary. The session may overwrite payload and must not keep it.
	Message(op ws.OpCode, payload []byte)
	// Control is told of every control frame that came from the client.
	Control(op ws.OpCode)
	// Check is called when the time that the last Check returned has passed.
	Check() time.Duration
	// Gone ends the session: the connection must not be used any more. It may be called twice.
	Gone()
	// MaxMessageSize is in bytes; 0 is no limit.
	MaxMessageSize() int64
	// Send queues a frame, Flush writes what is queued.
	Send(f broadcast.Frame)
	Flush()
	// Deflate tells that the client takes compressed frames. A broadcast.Subscriber has it.
	Deflate()
}

// API answers the requests that are not upgraded.
type API interface {
	// Serve answers r. loop is the one it runs on, nil if it runs on none and may wait.
	Serve(loop *broadcast.Loop, w http.ResponseWriter, r *http.Request)
	// Immediate reports whether Serve never waits for r, so that it may run on a loop.
	Immediate(r *http.Request) bool
}

// Options configure a Server. Hub, Accept and API are required.
type Options struct {
	Host              string // address to listen on
	Port              int
	Hub               *broadcast.Hub            // as many event loops as it has
	Accept            func(path string) Session // by percent-encoded path; nil: not one for WebSockets
	API               API
	MaxRequestSize    int  // bytes of head and body; 0 is no limit
	SlowConsumerBytes int  // waiting for one client before it is cut off; 0 is 1 MiB
	MaxConnections    int  // 0: as many as the descriptor limit allows; never more than that
	Compression       bool // permessage-deflate for clients that offer it
	Log               *zap.Logger
}

// Server listens on one port for HTTP requests and WebSockets.
type Server struct {
	gnet.BuiltinEventEngine
	options           Options
	addr              string
	hub               *broadcast.Hub
	api               API
	log               *zap.Logger
	maxRequestSize    int
	slowConsumerBytes int

	// The timeouts of the same names; tests have shorter ones.
	requestTime, idleTime, lingerTime time.Duration

	gate     gate
	workers  *workers
	byLoop   sync.Map     // gnet.EventLoop to *loop
	loops    []*loop      // as many as the hub has
	attached atomic.Int32 // how many of them, from the first on, are known to gnet
	engine   gnet.Engine
	booted   chan struct{}
	ended    chan struct{} // closed when Run returns
	stopping atomic.Bool
	stats    stats
	refusals throttle
	slow     throttle
}

// stats are counters since the start. Safe for concurrent use.
type stats struct{ refused, slowConsumers, panics atomic.Int64 }

// ErrStopped is returned by Run when the engine stopped by itself.
var ErrStopped = errors.New("eventloop: the engine has stopped without being asked to")

// New returns a Server that is not listening yet.
func New(o Options) *Server {
	if o.SlowConsumerBytes <= 0 {
		o.SlowConsumerBytes = 1 << 20
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Server{
		options: o, addr: net.JoinHostPort(o.Host, fmt.Sprint(o.Port)),
		hub: o.Hub, api: o.API, log: o.Log,
		maxRequestSize: o.MaxRequestSize, slowConsumerBytes: o.SlowConsumerBytes,
		requestTime: requestTime, idleTime: idleTime, lingerTime: lingerTime,
		booted: make(chan struct{}), ended: make(chan struct{}),
	}
	for _, shared := range o.Hub.Loops() {
		s.loops = append(s.loops, s.newLoop(shared))
	}
	return s
}

// Booted is closed when the server accepts connections.
func (s *Server) Booted() <-chan struct{} { return s.booted }

// Connections is the number of sockets that are open now, HTTP and WebSocket.
func (s *Server) Connections() int { return int(s.gate.open.Load()) }

// Run listens and serves until Shutdown. A port that is taken, and a descriptor limit that leaves no room, are errors
// before anything is accepted. It may be called once.
func (s *Server) Run() error {
	defer close(s.ended)
	room, err := connectionCap(len(s.hub.Loops()))
	if err != nil {
		return err
	}
	s.gate.cap = room
	if n := int64(s.options.MaxConnections); n > 0 && n < room {
		s.gate.cap = n
	}
	if err := probe(s.addr); err != nil {
		return err
	}
	s.workers = startWorkers(max(8, 4*runtime.GOMAXPROCS(0)), 1024)
	defer s.workers.stop()

	err = gnet.Run(s, "tcp://"+s.addr,
		gnet.WithNumEventLoop(len(s.hub.Loops())),
		gnet.WithReusePort(true), // every loop accepts for itself, which makes the cap exact
		gnet.WithReuseAddr(true),
		gnet.WithTicker(true),
		gnet.WithTCPKeepAlive(time.Minute),
		gnet.WithLogger(&engineLog{SugaredLogger: s.log.WithOptions(zap.IncreaseLevel(zap.WarnLevel)).Sugar()}))
	s.closeBells()
	switch {
	case err != nil:
		return fmt.Errorf("eventloop: %w", err)
	case !s.stopping.Load():
		return ErrStopped
	}
	return nil
}

// probe finds out whether the address can be listened on. gnet's own listeners share a port, so that a second server would
// not be told that the first one has it.
func probe(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("eventloop: %w", err)
	}
	return l.Close()
}

func (s *Server) closeBells() {
	for _, l := range s.loops {
		if l.bell != nil {
			l.bell.close()
		}
	}
}

// stopTime is what stopping the engine may take beyond the context of Shutdown. gnet looks every half second whether it is done.
const stopTime = 1900 * time.Millisecond

// Shutdown turns new connections away, tells every client with a close frame that it may come back at once, waits until they
// have gone or ctx is done, and stops the server.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	select {
	case <-s.booted:
	case <-s.ended:
		return nil // Run has said why
	case <-ctx.Done():
		return fmt.Errorf("eventloop: stopped before it was listening: %w", ctx.Err())
	}
	for _, l := range s.loops {
		l.shared.Post(stop{l})
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for s.Connections() > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-poll.C:
		}
	}
	s.workers.stop() // before the engine: their answers go through its pollers
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := s.engine.Stop(stopCtx); err != nil {
		return fmt.Errorf("eventloop: %w", err)
	}
	return nil
}

// session decides what becomes of a request: an upgrade to the session, a refusal of one, or, with neither, a call of the API.
// Whatever else asks for an upgrade, such as h2c, is served as if it had not.
func (s *Server) session(r *http.Request) (Session, *ws.HandshakeError) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	session := s.options.Accept(path)
	if session == nil {
		return nil, nil
	}
	if err := ws.CheckUpgrade(r); err != nil {
		return nil, err
	}
	return session, nil
}

// maxHeld bounds the pipelined requests that wait on one connection, in bytes.
func (s *Server) maxHeld() int { return max(s.maxRequestSize, 64<<10) }
