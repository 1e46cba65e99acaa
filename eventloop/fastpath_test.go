package eventloop

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// fastPathRequests are requests of publishers. Each is a head with a body of two bytes.
var fastPathRequests = []string{
	"POST /apps/1/events?auth_key=k&auth_signature=0a HTTP/1.1\r\nHost: h:8080\r\nContent-Length: 2\r\n\r\n{}",
	// Guzzle, as the broadcaster of Laravel uses it.
	"POST /apps/1/batch_events?auth_version=1.0&body_md5=0a&info=a%2Cb HTTP/1.1\r\nContent-Length: 2\r\nUser-Agent: GuzzleHttp/7\r\n" +
		"Host: localhost:8080\r\nContent-Type: application/json\r\nX-Pusher-Library: pusher-http-php 7.2.4\r\n\r\n{}",
	"POST /apps/1/events?a=b HTTP/1.1\r\nconnection:Keep-Alive\r\nHOST:h\r\ncontent-length: \t2 \r\nACCEPT: */*\r\nPragma: no-cache\r\nX-Empty:\r\n\r\n{}",
}

// otherRequests are left to net/http.
var otherRequests = map[string]string{
	"nothing":                  "",
	"another method":           "GET /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.0":                 "POST /apps/1/events?a=b HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
	"no query":                 "POST /apps/1/events HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"an empty query":           "POST /apps/1/events? HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"an encoded path":          "POST /apps/%31/events?a=b HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"an authority":             "POST //apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"an absolute URL":          "POST http://h/apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"two question marks":       "POST /apps/1/events?a=b?c HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"beyond ASCII":             "POST /apps/1/events?a=\xc3\xa4 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"two spaces":               "POST /apps/1/events?a=b  HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"lone line feeds":          "POST /apps/1/events?a=b HTTP/1.1\nContent-Length: 2\n\n{}",
	"a lone line feed":         "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\n\r\n{}",
	"no field for the host":    "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
	"no length":                "POST /apps/1/events?a=b HTTP/1.1\r\nHost: h\r\n\r\n{}",
	"two lengths":              "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
	"a length with a sign":     "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}",
	"an empty length":          "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length:\r\n\r\n{}",
	"a huge length":            "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 18446744073709551618\r\n\r\n{}",
	"chunks":                   "POST /apps/1/events?a=b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
	"two hosts":                "POST /apps/1/events?a=b HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}",
	"a host that is none":      "POST /apps/1/events?a=b HTTP/1.1\r\nHost: a/b\r\nContent-Length: 2\r\n\r\n{}",
	"no host":                  "POST /apps/1/events?a=b HTTP/1.1\r\nHost:\r\nContent-Length: 2\r\n\r\n{}",
	"an end of the connection": "POST /apps/1/events?a=b HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
	"an upgrade":               "POST /apps/1/events?a=b HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
	"an expectation":           "POST /apps/1/events?a=b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
	"a trailer":                "POST /apps/1/events?a=b HTTP/1.1\r\nTrailer: A\r\nContent-Length: 2\r\n\r\n{}",
	"a continued field":        "POST /apps/1/events?a=b HTTP/1.1\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
	"a field with no name":     "POST /apps/1/events?a=b HTTP/1.1\r\n: b\r\nContent-Length: 2\r\n\r\n{}",
	"a space in a name":        "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}",
	"a control character":      "POST /apps/1/events?a=b HTTP/1.1\r\nA: \x01\r\nContent-Length: 2\r\n\r\n{}",
	"a carriage return":        "POST /apps/1/events?a=b HTTP/1.1\r\nA: b\rc\r\nContent-Length: 2\r\n\r\n{}",
	"no end of the head":       "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 2\r\n",
	"no end of the body":       "POST /apps/1/events?a=b HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}",
}

func TestFastPathReadsWhatPublishersSend(t *testing.T) {
	var q fastPathParser
	for _, text := range fastPathRequests {
		r, n := q.read([]byte(text+text), len(text))
		if r == nil || n != len(text) {
			t.Fatalf("took %d of %q", n, text)
		}
		compareFastPath(t, []byte(text), r, n)
		if r, _ := q.read([]byte(text), len(text)-1); r != nil {
			t.Errorf("larger than the limit: %q", text)
		}
		for i := range len(text) {
			if r, _ := q.read([]byte(text[:i]), 0); r != nil {
				t.Errorf("not complete: %q", text[:i])
			}
		}
	}
}

func TestFastPathLeavesTheUnusual(t *testing.T) {
	for name, text := range otherRequests {
		if r, n := new(fastPathParser).read([]byte(text), 0); r != nil || n != 0 {
			t.Errorf("%s: took %d bytes", name, n)
		}
	}
}

// What fastPathParser takes, net/http reads the same, and requestReader takes it with all of its checks.
func FuzzFastPath(f *testing.F) {
	for _, text := range fastPathRequests {
		f.Add([]byte(text))
		f.Add([]byte(text + text))
	}
	for _, text := range otherRequests {
		f.Add([]byte(text))
	}
	for _, rule := range rfc9112 {
		f.Add([]byte(rule.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, n := new(fastPathParser).read(data, 0); r != nil {
			compareFastPath(t, data, r, n)
			if slow, used, err := new(requestReader).next(data, 0, new(headReader)); slow == nil || used != n {
				t.Fatalf("%q: took %d bytes, the requestReader %d: %v", data, n, used, err)
			}
		}
	})
}

// compareFastPath compares the request of n bytes that data begins with with what net/http reads.
func compareFastPath(t *testing.T, data []byte, got *http.Request, n int) {
	t.Helper()
	rest := bytes.NewReader(data)
	buf := bufio.NewReader(rest)
	want, err := http.ReadRequest(buf)
	if err != nil {
		t.Fatalf("%q: net/http says %v", data, err)
	}
	wantBody, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatalf("%q: net/http cannot read the body: %v", data, err)
	}
	if used := len(data) - rest.Len() - buf.Buffered(); used != n {
		t.Fatalf("%q: took %d bytes, net/http %d", data, n, used)
	}
	gotBody, _ := io.ReadAll(got.Body)
	if string(gotBody) != string(wantBody) {
		t.Fatalf("%q: body %q, net/http %q", data, gotBody, wantBody)
	}
	for _, name := range []string{"Upgrade", "Expect", "Trailer", "Transfer-Encoding"} {
		if want.Header[name] != nil {
			t.Fatalf("%q: has %s", data, name)
		}
	}
	want.Header, want.Body = nil, got.Body
	if g, w := *got, *want; !reflect.DeepEqual(&g, &w) {
		t.Fatalf("%q:\n%+v, net/http\n%+v", data, g, w)
	}
}

func TestFastPathAllocates(t *testing.T) {
	var q fastPathParser
	text := []byte(fastPathRequests[1])
	if n := testing.AllocsPerRun(100, func() { q.read(text, 0) }); n > 1 { // the target
		t.Errorf("%v allocations", n)
	}
}

// Requests of both kinds on one connection, in one piece and in two.
func TestFastPathAmongOthers(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	c := dial(t, addr)
	all := fastPathRequests[0] + chunked + get + fastPathRequests[1] + post + fastPathRequests[2]
	want := []string{"/apps/1/events {}", "/c hello world", "/apps/1/channels ", "/apps/1/batch_events {}", "/apps/1/events hello world", "/apps/1/events {}"}
	for _, cut := range []int{0, 10, len(fastPathRequests[0]) - 1, len(fastPathRequests[0]) + 20, len(all) - 1} {
		c.send(all[:cut])
		c.send(all[cut:])
		for _, want := range want {
			if status, _, got := c.answer(http.MethodPost); status != http.StatusOK || !strings.HasSuffix(got, want) {
				t.Fatalf("cut at %d: %d %q, want %q", cut, status, got, want)
			}
		}
	}
}

// A request for the path of a WebSocket does not take the fast path, whatever its method.
func TestFastPathLeavesPathsOfClients(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	c := dial(t, addr)
	c.send(strings.Replace(fastPathRequests[0], "/apps/1/events", "/ws", 1))
	if status, _, body := c.answer(http.MethodPost); status == http.StatusOK {
		t.Errorf("served: %s", body)
	}
}

func BenchmarkFastPath(b *testing.B) {
	text := []byte(strings.Replace(fastPathRequests[1], "auth_version", "auth_key=app-key&auth_timestamp=1353088179&auth_signature="+
		strings.Repeat("0a", 32)+"&auth_version", 1))
	b.Run("fast path", func(b *testing.B) {
		var q fastPathParser
		b.ReportAllocs()
		for b.Loop() {
			if r, _ := q.read(text, 0); r == nil {
				b.Fatal("not read")
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		var in requestReader
		var h headReader
		b.ReportAllocs()
		for b.Loop() {
			if r, _, _ := in.next(text, 0, &h); r == nil {
				b.Fatal("not read")
			}
		}
	})
}
