package control

import (
	"bytes"
	"strings"
	"testing"
)

// Whatever is sent is one of the commands or an error, and the error quotes little of it.
func FuzzReadRequest(f *testing.F) {
	for _, s := range []string{`{"command":"stop"}` + "\n", "{}\n", "\n", "", `{"command":1}` + "\n", `{"command":"stop"}`, strings.Repeat("x", 2*maxRequest)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		q, err := readRequest(bytes.NewReader(in))
		if err != nil {
			if q != (request{}) || len(err.Error()) > 300 {
				t.Errorf("%+v, %v", q, err)
			}
			return
		}
		if q.Command != Status && q.Command != Reload && q.Command != Restart && q.Command != Stop {
			t.Errorf("command %q", q.Command)
		}
		if end := bytes.IndexByte(in, '\n'); end < 0 || end >= maxRequest {
			t.Error("a request without an end, or too long, was taken")
		}
	})
}
