package eventloop

import (
	"net"
	"testing"
	"time"

	"reverbd/protocol/ws"
)

func TestCloseHandshake(t *testing.T) {
	gone := make(chan struct{}, 100)
	s, addr := startServer(t, 1, func(o *Options, s *Server) {
		with(func(s *session) {
			once := false
			s.gone = func(*session) {
				if !once {
					once = true
					gone <- struct{}{}
				}
			}
			s.message = func(s *session, p string) {
				switch p {
				case "end":
					s.Send(textOf("last words"))
					s.Close(4009, "because")
					s.Send(textOf("not sent"))
				default:
					s.Send(textOf(p))
				}
			}
		})(o, s)
		s.lingeringTimeout = 300 * time.Millisecond
	})
	t.Run("the client's close is echoed", func(t *testing.T) {
		c := dialWS(t, addr)
		c.send(textFrame("x") + closeFrame(1000, "bye") + textFrame("not seen"))
		c.gets(ws.OpText, "x")
		c.gets(ws.OpClose, "\x03\xe8bye")
		receiveOne(t, gone, "Gone")
		c.ends()
	})
	t.Run("the server's close is followed by the end", func(t *testing.T) {
		c := dialWS(t, addr)
		c.send(textFrame("end") + textFrame("not seen"))
		c.gets(ws.OpText, "last words")
		c.closed(4009)
		receiveOne(t, gone, "Gone")
		c.send(closeFrame(4009, "")) // is read and discarded
	})
	t.Run("a violation", func(t *testing.T) {
		c := dialWS(t, addr)
		c.send("\x81\x05hello")
		c.closed(1002)
		receiveOne(t, gone, "Gone")
	})
	t.Run("a client that never closes is dropped", func(t *testing.T) {
		eventually(t, "the others have gone", func() bool { return s.Connections() == 0 })
		c := dialWS(t, addr)
		c.send(textFrame("end"))
		c.gets(ws.OpText, "last words")
		c.closed(4009) // and the client does not close its end
		eventually(t, "it is dropped", func() bool { return s.Connections() == 0 })
	})
	t.Run("a client that resets the connection", func(t *testing.T) {
		c := dialWS(t, addr)
		for len(gone) > 0 {
			<-gone
		}
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
		receiveOne(t, gone, "Gone")
	})
}
