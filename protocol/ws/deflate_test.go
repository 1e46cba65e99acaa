package ws

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

func TestOffersDeflate(t *testing.T) {
	for offer, want := range map[string]bool{
		"":                   false,
		"permessage-deflate": true,
		"permessage-deflate; client_max_window_bits":                                 true,
		"permessage-deflate;client_max_window_bits=10":                               true,
		`permessage-deflate; client_max_window_bits="10"`:                            true,
		"permessage-deflate; client_max_window_bits=7":                               false,
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover": true,
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover": false,
		"permessage-deflate; server_no_context_takeover=1":                           false,
		"permessage-deflate; server_max_window_bits=15":                              true,
		"permessage-deflate; server_max_window_bits=10":                              false,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":          true,
		"permessage-deflate; unknown":                                                false,
		"permessage-deflate;":                                                        true,
		"x-webkit-deflate-frame, permessage-deflate; client_max_window_bits":         true,
		"x-webkit-deflate-frame":                                                     false,
		"permessage-bzip2":                                                           false,
	} {
		h := http.Header{}
		if offer != "" {
			h.Set("Sec-WebSocket-Extensions", offer)
		}
		if got := OffersDeflate(h); got != want {
			t.Errorf("%q: %v", offer, got)
		}
	}
}

// clientDeflated is a client's compressed frame.
func clientDeflated(t *testing.T, op OpCode, payload []byte) []byte {
	t.Helper()
	f, err := wsflate.CompressFrame(gobwas.NewFrame(op, true, payload))
	if err != nil {
		t.Fatal(err)
	}
	return gobwas.MustCompileFrame(gobwas.MaskFrameInPlace(f))
}

func TestAppendDeflatedIsReadByOthers(t *testing.T) {
	for name, payload := range map[string]string{
		"empty": "", "short": "{}", "json": strings.Repeat(`{"event":"a","data":{"n":1}}`, 20),
		"long": strings.Repeat("0123456789abcdef", 20_000),
	} {
		frame, err := gobwas.ReadFrame(bytes.NewReader(AppendDeflated(nil, OpText, []byte(payload))))
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := wsflate.DecompressFrame(frame)
		if err != nil || string(got.Payload) != payload {
			t.Errorf("%s: %v, %d bytes", name, err, len(got.Payload))
		}
	}
}

func TestNextDeflated(t *testing.T) {
	message := []byte(strings.Repeat(`{"event":"client-x","data":"é"}`, 10))
	frame := clientDeflated(t, OpText, message)
	for split := range len(frame) + 1 {
		var r Reader
		var got []byte
		for _, chunk := range [][]byte{bytes.Clone(frame[:split]), bytes.Clone(frame[split:])} {
			for len(chunk) > 0 {
				ev, n, err := r.NextDeflated(chunk, 1000)
				if err != nil {
					t.Fatalf("split at %d: %v", split, err)
				}
				if ev.Op == OpText {
					got = bytes.Clone(ev.Payload)
				}
				chunk = chunk[n:]
			}
		}
		if !bytes.Equal(got, message) || !r.Idle() {
			t.Fatalf("split at %d: %q", split, got)
		}
	}
}

func TestNextDeflatedRefuses(t *testing.T) {
	bomb := clientDeflated(t, OpText, bytes.Repeat([]byte("a"), 1<<20))
	garbage := clientDeflated(t, OpText, []byte("garbage"))
	for i := range 4 {
		garbage[6+i] = 0xff ^ garbage[2+i] // masked; 0xff begins a block of the type that does not exist
	}
	ping := clientDeflated(t, OpBinary, []byte("x"))
	ping[0] = ping[0]&0xf0 | byte(OpPing)
	for name, c := range map[string]struct {
		frame []byte
		code  StatusCode
	}{
		"a bomb":                {bomb, StatusMessageTooBig},
		"garbage":               {garbage, StatusInvalidFramePayloadData},
		"text that is no UTF-8": {clientDeflated(t, OpText, []byte("\xff\xfe")), StatusInvalidFramePayloadData},
		"a control frame":       {ping, StatusProtocolError},
	} {
		var r Reader
		if _, _, err := r.NextDeflated(c.frame, 10_000); err == nil || err.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	var r Reader
	if _, _, err := r.Next(clientDeflated(t, OpText, []byte("x")), 0); err == nil || err.Code != StatusProtocolError {
		t.Errorf("compressed without having been negotiated: %v", err)
	}
}

func BenchmarkAppendDeflated(b *testing.B) {
	payload := []byte(strings.Repeat(`{"event":"order","data":{"n":1,"text":"some words"}}`, 10))
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendDeflated(dst[:0], OpText, payload)
	}
	b.ReportMetric(float64(len(payload))/float64(len(dst)), "ratio")
}
