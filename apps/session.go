package apps

import (
	"net/url"
	"strings"
	"time"
	"unique"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Sessions makes the session of every client that connects. Its fields are set once, before the first connection.
type Sessions struct {
	Registry *Registry
	Prefix   string           // "" or "/ws": no trailing slash
	Trace    Trace            // nil: no trace
	Limits   *limitlog.Log    // may be nil
	Now      func() time.Time // nil: time.Now
	Log      *zap.Logger      // nil: no log
	refused  thinned          // lines about refused connections
}

// Session is the Pusher state machine of one client. It belongs to the loop of its connection.
type Session struct {
	broadcast.Subscriber

	sessions      *Sessions
	app           *App     // nil when the key is unknown
	limiter       *limiter // nil until a message has been counted
	lastSeen      int64    // when the client last sent something, by elapsed
	pingedAt      int64    // when it was pinged since then; 0: it was not
	controlFrames bool     // the client uses control frames, so it is pinged with one
	counted       bool     // counts as a connection of its app
	mustSignIn    bool     // has neither signed in nor subscribed to a channel that the app signs, and must: see signInLeft
	openedAt      int32    // by elapsed, in seconds

	origin unique.Handle[string] // its Origin header
}

// Accept makes the session of a client that asks for the percent-encoded path, or returns nil if that is not
// {prefix}/app/{key}. Whether the key is known is for Open to say: a browser can read why it is refused only after the
// upgrade.
func (f *Sessions) Accept(path string) *Session {
	segment, ok := strings.CutPrefix(path, f.Prefix+"/app/")
	if !ok || strings.Contains(segment, "/") {
		return nil
	}
	key, err := url.PathUnescape(segment)
	if err != nil || key == "" || strings.Contains(key, "/") {
		return nil
	}
	return &Session{sessions: f, app: f.Registry.ByKey(key)}
}

// Open sends connection_established to the client, or refuses it. origin is its Origin header.
func (s *Session) Open(l *broadcast.Loop, c broadcast.Conn, origin string) {
	s.touch()
	if s.app == nil {
		l.Add(&s.Subscriber, pusher.NewSocketID(), nil, c)
		s.deny(pusher.ErrUnknownApp, origin)
		return
	}
	l.Add(&s.Subscriber, pusher.NewSocketID(), s.app.Channels, c)
	switch {
	case s.app.Disabled:
		s.deny(pusher.ErrDisabled, origin)
		return
	case !s.app.acquireConnection():
		s.deny(pusher.ErrOverQuota, origin)
		return
	case !s.app.origins.allow(origin):
		s.app.releaseConnection()
		s.deny(pusher.ErrOrigin, origin)
		return
	}
	s.counted, s.openedAt = true, int32(s.lastSeen/1000)
	s.origin = internOrigin(origin)
	s.mustSignIn = s.app.RequireSignIn > 0
	s.observeOpened()
	if t := s.sessions.Trace; t != nil {
		t.Info("Connection Established", s.ID.String()+remoteAddress(c))
	}
	s.established()
}

// remoteAddress returns " from ADDRESS", or "" if the connection does not know its client.
func remoteAddress(c broadcast.Conn) string {
	if remote, ok := c.(interface{ Client() string }); ok {
		return " from " + remote.Client()
	}
	return ""
}

func (s *Session) established() {
	b := broadcast.TextBuffer(48)
	s.Send(broadcast.SealText(pusher.AppendConnectionEstablished(b, s.ID, int(s.app.ActivityTimeout/time.Second))))
}

// internOrigin keeps one copy of an origin for all connections that have it. What no browser sends is cut.
func internOrigin(origin string) unique.Handle[string] {
	const most = 200
	return unique.Make(origin[:min(len(origin), most)])
}

// deny refuses a connection that is being made.
func (s *Session) deny(e *pusher.Error, origin string) {
	s.observeDenied(e, origin)
	s.refuse(e)
}

// refuse closes the connection with the error and its code.
func (s *Session) refuse(e *pusher.Error) { s.Close(ws.StatusCode(e.Code), e.Message) }

// MaxMessageSize is the largest message that the client may send, in bytes; 0 is no limit.
func (s *Session) MaxMessageSize() int64 {
	if s.app == nil {
		return 1
	}
	return int64(s.app.latest().MaxMessageSize)
}

// Control records that a control frame of the client was handled.
func (s *Session) Control(ws.OpCode) {
	s.controlFrames = true
	s.touch()
	s.info("Control Frame Received", s.ID)
}

// Gone ends the session after its connection was closed. code and reason are those of the close frame.
func (s *Session) Gone(code ws.StatusCode, reason string) {
	user := s.User()
	s.Loop().Remove(&s.Subscriber)
	if s.counted {
		s.counted = false
		s.app.releaseConnection()
		s.info("Connection Closed", s.ID)
		s.observeClosed(user, code, reason)
	}
}

// refreshApp switches the session to the current version of its app. One message is handled by one version.
func (s *Session) refreshApp() {
	if s.app != nil {
		s.app = s.app.latest()
	}
}

func (s *Session) now() time.Time {
	if s.sessions.Now != nil {
		return s.sessions.Now()
	}
	return time.Now()
}

// epoch is the zero of elapsed. Differences of monotonic readings are not affected when the wall clock is set.
var epoch = time.Now()

// elapsed returns the milliseconds since epoch.
func (s *Session) elapsed() int64 { return s.now().Sub(epoch).Milliseconds() }

func (s *Session) touch() {
	s.lastSeen, s.pingedAt = s.elapsed(), 0
}

// Check pings a client that was silent for the ping interval, and closes with 4201 one that then sends nothing within the
// activity timeout, and with 4009 one that has not signed in as long as it must. It returns the time after which it must be called again.
func (s *Session) Check() time.Duration {
	s.refreshApp()
	left, ok := s.signInLeft()
	if ok && left <= 0 {
		s.refuse(pusher.ErrSignInTimeout)
		return time.Minute
	}
	wait := s.checkAlive()
	if ok {
		wait = min(wait, left)
	}
	return wait
}

// checkAlive is the part of Check that pings.
func (s *Session) checkAlive() time.Duration {
	now := s.elapsed()
	if s.pingedAt != 0 {
		left := s.pingedAt + s.app.ActivityTimeout.Milliseconds() - now
		if left <= 0 {
			s.info("Connection Pruned", s.ID)
			s.refuse(pusher.ErrPongTimeout)
			return time.Minute
		}
		return min(time.Duration(left)*time.Millisecond, s.app.PingInterval) // it may answer, and be silent again
	}
	if left := s.lastSeen + s.app.PingInterval.Milliseconds() - now; left > 0 {
		return time.Duration(left) * time.Millisecond
	}
	s.pingedAt = now
	s.info("Connection Pinged", s.ID)
	if s.controlFrames {
		s.Send(pingFrame)
	} else {
		s.Send(pingEvent)
	}
	return min(s.app.ActivityTimeout, s.app.PingInterval)
}

// error sends the client a pusher:error event.
func (s *Session) error(e *pusher.Error) { s.SendError(e.Code, e.Message) }

func (s *Session) info(title string, id pusher.SocketID) {
	if t := s.sessions.Trace; t != nil {
		t.Info(title, id.String())
	}
}

// The constant frames.
var (
	pongEvent = broadcast.SealText(pusher.AppendPong(broadcast.TextBuffer(0)))
	pingEvent = broadcast.SealText(pusher.AppendPing(broadcast.TextBuffer(0)))
	pingFrame = broadcast.Frame(ws.AppendFrame(nil, ws.OpPing, nil))
)
