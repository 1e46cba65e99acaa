// Command wsecho answers every WebSocket message with the same opcode and bytes, over the connection code of the server, for
// conformance suites.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"reverbd/broadcast"
	"reverbd/eventloop"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on")
	size := flag.Int64("max-message-size", 16<<20, "largest message in bytes")
	loops := flag.Int("reactors", 2, "event loops")
	compression := flag.Bool("compression", false, "negotiate permessage-deflate, and compress what is sent to clients that offer it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *size, *loops, *compression); err != nil {
		fmt.Fprintln(os.Stderr, "wsecho: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string, size int64, loops int, compression bool) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := eventloop.New(eventloop.Options{
		Listeners:         []net.Listener{listener},
		Hub:               broadcast.NewHub(broadcast.Options{Loops: loops}),
		Accept:            func(string) eventloop.Session { return &echo{size: size} },
		API:               none{},
		SlowConsumerBytes: int(8 * size),
		Compression:       compression,
	})
	ended := make(chan error, 1)
	go func() { ended <- server.Run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping, 0, 0); err != nil {
		return err
	}
	return <-ended
}

// echo is a session without connection_established and without an idle limit.
type echo struct {
	broadcast.Subscriber
	size       int64
	compressed bool
}

func (e *echo) Deflate() {
	e.Subscriber.Deflate()
	e.compressed = true
}

func (e *echo) Open(l *broadcast.Loop, c broadcast.Conn, _ string) {
	l.Add(&e.Subscriber, pusher.NewSocketID(), nil, c)
}

func (e *echo) Message(op ws.OpCode, payload []byte) {
	if e.compressed {
		e.Send(ws.AppendDeflated(nil, op, payload))
		return
	}
	e.Send(ws.AppendFrame(nil, op, payload))
}

func (e *echo) Control(ws.OpCode)          {}
func (e *echo) Check() time.Duration       { return time.Hour }
func (e *echo) Gone(ws.StatusCode, string) { e.Loop().Remove(&e.Subscriber) }
func (e *echo) MaxMessageSize() int64      { return e.size }

// none is an API without routes.
type none struct{}

func (none) Immediate(*http.Request) bool { return true }

func (none) Refuse(*broadcast.Loop, http.ResponseWriter, *http.Request) bool { return false }

func (none) Serve(_ *broadcast.Loop, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
