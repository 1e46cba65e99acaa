package e2e

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// One event reaches a client that negotiated compression as a compressed frame, and one that did not as it is; what the first
// one sends may be compressed as well.
func TestCompression(t *testing.T) {
	s := startServer(t, "--dev", "--compression")
	plain := connect(t, s)
	packed := dialCompressed(t, s)
	packed.nextEvent("pusher:connection_established")

	const text = "it is repeated, it is repeated, it is repeated, it is repeated, it is repeated, it is repeated, it is repeated"
	packed.send(`{"event":"pusher:subscribe","data":{"channel":"news"}}`)
	packed.nextEvent("pusher_internal:subscription_succeeded")
	plain.subscribe("news", nil)
	if err := publisher(s).Trigger("news", "story", text); err != nil {
		t.Fatal(err)
	}
	if got := plain.nextEvent("story").text(t); got != text {
		t.Errorf("the plain client received %q", got)
	}
	frame := rawFrame(t, packed)
	if !frame.Header.Rsv1() || len(frame.Payload) > len(text) {
		t.Errorf("rsv1 %v, %d bytes", frame.Header.Rsv1(), len(frame.Payload))
	}
	if got, err := wsflate.DecompressFrame(frame); err != nil || !bytes.Contains(got.Payload, []byte(text)) {
		t.Errorf("decompressed to %q, %v", got.Payload, err)
	}

	whisper := ws.NewTextFrame([]byte(`{"event":"client-hi","channel":"news","data":"` + text + `"}`))
	whisper, err := wsflate.CompressFrame(whisper)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.WriteFrame(packed.conn, ws.MaskFrameInPlace(whisper)); err != nil {
		t.Fatal(err)
	}
	if got := plain.nextEvent("client-hi").text(t); got != text {
		t.Errorf("the whisper arrived as %q", got)
	}
}

// A frame that is small as it comes and larger than a message may be once it is decompressed ends its connection.
func TestCompressionBomb(t *testing.T) {
	s := startServer(t, "--dev", "--compression")
	c := dialCompressed(t, s)
	c.nextEvent("pusher:connection_established")
	bomb, err := wsflate.CompressFrame(ws.NewTextFrame([]byte(strings.Repeat("a", 8<<20))))
	if err != nil {
		t.Fatal(err)
	}
	if len(bomb.Payload) > 10_000 {
		t.Fatalf("%d bytes are refused for their size", len(bomb.Payload))
	}
	if err := ws.WriteFrame(c.conn, ws.MaskFrameInPlace(bomb)); err != nil {
		t.Fatal(err)
	}
	c.expectClose(1009)
}

func dialCompressed(t *testing.T, s *server) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientTimeout)
	defer cancel()
	dialer := ws.Dialer{Extensions: []httphead.Option{wsflate.DefaultParameters.Option()}}
	conn, early, handshake, err := dialer.Dial(ctx, "ws://"+s.addr()+"/app/"+appKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if len(handshake.Extensions) != 1 {
		t.Fatalf("negotiated %v", handshake.Extensions)
	}
	c := &client{t: t, conn: conn, in: conn}
	if early != nil {
		c.in = early
	}
	return c
}

func rawFrame(t *testing.T, c *client) ws.Frame {
	t.Helper()
	f, err := ws.ReadFrame(c.in)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
