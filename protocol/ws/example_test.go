package ws_test

import (
	"fmt"

	"reverbd/protocol/ws"
)

func ExampleReader() {
	var r ws.Reader
	var out []byte
	// "Hello" in a masked frame, as in RFC 6455 section 5.7, and an empty ping.
	p := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" + "\x89\x80\x00\x00\x00\x00")
	for len(p) > 0 {
		ev, n, err := r.Next(p, 10_000)
		if err != nil {
			out = ws.AppendClose(out, err.Code, err.Reason)
			break
		}
		p = p[n:]
		switch ev.Op {
		case ws.OpText:
			fmt.Printf("%s\n", ev.Payload)
		case ws.OpPing:
			out = ws.AppendFrame(out, ws.OpPong, ev.Payload)
		case ws.OpClose:
			out = ws.AppendCloseReply(out, ev.Payload)
		}
	}
	fmt.Printf("%q\n", out)
	// Output:
	// Hello
	// "\x8a\x00"
}

func ExampleSeal() {
	b := make([]byte, ws.Headroom, 64)
	b = append(b, `{"event":"pusher:pong"}`...)
	fmt.Printf("%q\n", ws.Seal(b, ws.OpText))
	// Output: "\x81\x17{\"event\":\"pusher:pong\"}"
}
