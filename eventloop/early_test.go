package eventloop

import (
	"strings"
	"testing"
)

// A request that no body can make right is refused when its head is there, and the connection ends; what it still sends is
// discarded. One whose body is there is left to the API as a whole.
func TestRefusedBeforeTheBody(t *testing.T) {
	s, addr := startServer(t, 1, nil)
	head := request("POST", "/unsigned", "Content-Length: 9000")
	for _, tc := range []struct{ name, first, rest string }{
		{"head alone", head, strings.Repeat("x", 9000)},
		{"head with some of the body", head + "xx", strings.Repeat("x", 8998)},
		{"chunks", request("POST", "/unsigned", "Transfer-Encoding: chunked"), "1\r\nx\r\n0\r\n\r\n"},
		{"expecting", request("POST", "/unsigned", "Content-Length: 1", "Expect: 100-continue"), ""},
		{"HEAD", request("HEAD", "/unsigned", "Content-Length: 1"), "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(tc.first)
			method := strings.Fields(tc.first)[0]
			if status, header, _ := c.answer(method); status != 401 || header.Get("Connection") != "close" {
				t.Errorf("got %d %v, want 401 and the end", status, header)
			}
			c.send(tc.rest)
			c.ends()
		})
	}
	c := dial(t, addr)
	c.send(request("POST", "/unsigned", "Content-Length: 1") + "x")
	if status, _, body := c.answer("POST"); status != 200 || body != "POST /unsigned x" {
		t.Errorf("got %d %q, want the API's own response", status, body)
	}
	c.send(request("POST", "/signed", "Content-Length: 1"))
	c.send("x")
	if status, _, body := c.answer("POST"); status != 200 || body != "POST /signed x" {
		t.Errorf("got %d %q", status, body)
	}
	_ = c.Close()
	eventually(t, "all connections are counted out", func() bool { return s.Connections() == 0 })
}
