package eventloop

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// taken is a request that outlives the buffer it was read from.
type taken struct {
	Method, URI, Proto, Host string
	Header                   http.Header
	Body                     string
}

func take(r *http.Request) (taken, error) {
	body, err := io.ReadAll(r.Body)
	return taken{r.Method, r.RequestURI, r.Proto, r.Host, r.Header, string(body)}, err
}

// outcome is what the bytes of one connection are: requests, and an error unless more bytes could follow.
type outcome struct {
	requests []taken
	err      error
}

// feed passes the chunks to a requestReader as a connection does: in one buffer, which is reused for every read.
func feed(t testing.TB, limit int, chunks ...[]byte) (o outcome) {
	t.Helper()
	var in requestReader
	var heads headReader
	var buffer []byte
	for _, chunk := range chunks {
		buffer = append(buffer[:0], chunk...)
		for p := buffer; len(p) > 0; {
			r, n, err := in.next(p, limit, &heads)
			if err != nil {
				if r != nil {
					t.Fatal("a request and an error")
				}
				o.err = err
				return o
			}
			if n <= 0 || n > len(p) {
				t.Fatalf("took %d of %d bytes", n, len(p))
			}
			p = p[n:]
			if r == nil {
				if len(p) > 0 {
					t.Fatal("nothing complete, and not all taken")
				}
				continue
			}
			if !in.idle() {
				t.Fatal("a request was returned, and requestReader still holds something")
			}
			got, bodyErr := take(r)
			if bodyErr != nil {
				t.Fatal("the body of a complete request cannot be read:", bodyErr)
			}
			o.requests = append(o.requests, got)
		}
		for i := range buffer {
			buffer[i] = 'X' // the loop's buffer is overwritten by the next read
		}
	}
	return o
}

// Representative requests.
const (
	get       = "GET /apps/1/channels?a=b HTTP/1.1\r\nHost: h\r\n\r\n"
	post      = "POST /apps/1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world"
	empty     = "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
	chunked   = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=\"y\"\r\n world\r\n0\r\n\r\n"
	trailers  = "POST /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\n\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\n"
	expecting = "POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok"
	lineFeeds = "GET /lf HTTP/1.1\nHost: h\n\n"
	http10    = "GET /ten HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
	head      = "HEAD /up HTTP/1.1\r\nHost: h\r\n\r\n"
	emptyLine = "\r\n\r\nGET /late HTTP/1.1\r\nHost: h\r\n\r\n"
)

func TestRequestReader(t *testing.T) {
	for _, tc := range []struct{ name, in, method, uri, body string }{
		{"get", get, "GET", "/apps/1/channels?a=b", ""},
		{"post", post, "POST", "/apps/1/events", "hello world"},
		{"post of nothing", empty, "POST", "/e", ""},
		{"chunked", chunked, "POST", "/c", "hello world"},
		{"trailers", trailers, "POST", "/t", "\r\n"},
		{"lone line feeds in the head", lineFeeds, "GET", "/lf", ""},
		{"HTTP/1.0", http10, "GET", "/ten", ""},
		{"HEAD", head, "HEAD", "/up", ""},
		{"empty lines before", emptyLine, "GET", "/late", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := feed(t, 0, []byte(tc.in))
			if o.err != nil || len(o.requests) != 1 {
				t.Fatalf("%d requests, %v", len(o.requests), o.err)
			}
			if r := o.requests[0]; r.Method != tc.method || r.URI != tc.uri || r.Body != tc.body {
				t.Errorf("got %s %s %q", r.Method, r.URI, r.Body)
			}
		})
	}
}

// TestRequestReaderSplitAnywhere cuts a pipeline of all kinds of requests at every point, at every pair of neighbouring points, and
// into single bytes.
func TestRequestReaderSplitAnywhere(t *testing.T) {
	all := []byte(get + post + empty + chunked + trailers + expecting + lineFeeds + emptyLine + http10 + head)
	want := feed(t, 0, all)
	if want.err != nil || len(want.requests) != 10 {
		t.Fatalf("%d requests, %v", len(want.requests), want.err)
	}
	same := func(got outcome, where string) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("split %s: got %+v", where, got)
		}
	}
	for i := 1; i < len(all); i++ {
		same(feed(t, 0, all[:i], all[i:]), fmt.Sprint("at ", i))
		same(feed(t, 0, all[:i], all[i:i+1], all[i+1:]), fmt.Sprint("around byte ", i))
	}
	var bytewise [][]byte
	for i := range all {
		bytewise = append(bytewise, all[i:i+1])
	}
	same(feed(t, 0, bytewise...), "into bytes")
}

func TestRequestReaderRefuses(t *testing.T) {
	const chunkedHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, tc := range []struct {
		name, in string
		limit    int
		err      error
	}{
		{"no HTTP", "hello\r\n\r\n", 0, errBadRequest},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", 0, errBadRequest},
		{"no version", "GET /\r\n\r\n", 0, errBadRequest},
		{"header without a colon", "GET / HTTP/1.1\r\nHost h\r\n\r\n", 0, errBadRequest},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 0, errBadRequest},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0, errBadRequest},
		{"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 0, errBadRequest},
		{"unknown transfer coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 0, errBadRequest},
		{"chunk without a size", chunkedHead + "\r\n", 0, errBadRequest},
		{"chunk size with a sign", chunkedHead + "+5\r\n", 0, errBadRequest},
		{"chunk size too long", chunkedHead + "1000000000000\r\n", 0, errBadRequest},
		{"chunk longer than its size", chunkedHead + "1\r\nab", 0, errBadRequest},
		{"chunk ended by CR alone", chunkedHead + "1\r\na\rb", 0, errBadRequest},
		{"chunk size ended by LF alone", chunkedHead + "1\na\r\n0\r\n\r\n", 0, errBadRequest},
		{"body ended by LF alone", chunkedHead + "0\r\n\n", 0, errBadRequest},
		{"trailer ended by LF alone", chunkedHead + "0\r\nA: b\n\r\n", 0, errBadRequest},
		{"trailer with CR inside", chunkedHead + "0\r\nA: b\rc\r\n\r\n", 0, errBadRequest},
		{"end of the body cut", chunkedHead + "0\r\n\rx", 0, errBadRequest},
		{"chunk size with two parts", chunkedHead + "5 6\r\nhello\r\n0\r\n\r\n", 0, errBadRequest},

		{"head too large, and complete", get, len(get) - 1, errTooLarge},
		{"head too large before it is complete", get[:len(get)-2], len(get) - 3, errTooLarge},
		{"body too large, before it arrives", post[:len(post)-11], len(post) - 1, errTooLarge},
		{"length beyond all sums", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 10_000, errTooLarge},
		{"chunk too large, before it arrives", chunkedHead + "fff\r\n", 1000, errTooLarge},
		{"chunk beyond all sums", chunkedHead + "ffffffffffff\r\n", 10_000, errTooLarge},
		{"chunks too large together", chunkedHead + strings.Repeat("2\r\nxx\r\n", 200), 1000, errTooLarge},
		{"chunk extensions without end", chunkedHead + "1;" + strings.Repeat("x", 1000), 1000, errTooLarge},
		{"trailers without end", chunkedHead + "0\r\n" + strings.Repeat("x", 1000), 1000, errTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := feed(t, tc.limit, []byte(tc.in))
			if len(o.requests) != 0 || !errors.Is(o.err, tc.err) {
				t.Errorf("got %d requests and %v, want %v", len(o.requests), o.err, tc.err)
			}
		})
	}
}

// A request of exactly the limit is accepted, however it arrives.
func TestRequestReaderLimitIsExact(t *testing.T) {
	for _, in := range []string{get, post, empty, chunked, trailers} {
		for _, chunks := range [][][]byte{{[]byte(in)}, {[]byte(in[:20]), []byte(in[20:])}, {[]byte(in[:len(in)-1]), []byte(in[len(in)-1:])}} {
			if o := feed(t, len(in), chunks...); o.err != nil || len(o.requests) != 1 {
				t.Errorf("%.10s with a limit of its size: %v", in, o.err)
			}
			if o := feed(t, len(in)-1, chunks...); !errors.Is(o.err, errTooLarge) {
				t.Errorf("%.10s with a limit below its size: %v", in, o.err)
			}
		}
	}
}

// The limit is for one request, not for what has arrived of several.
func TestRequestReaderLimitIsForOneRequest(t *testing.T) {
	if o := feed(t, len(post), []byte(strings.Repeat(post, 50))); o.err != nil || len(o.requests) != 50 {
		t.Errorf("%d requests, %v", len(o.requests), o.err)
	}
}

func TestRequestReaderSeesExpectContinue(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     bool
	}{
		{"asks", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", true},
		{"asks in capitals", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n", true},
		{"asks, chunked", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		{"asks with HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", false},
		{"does not ask", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n", false},
		{"head not complete", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var in requestReader
			r, n, err := in.next([]byte(tc.in), 0, new(headReader))
			if r != nil || n != len(tc.in) || err != nil {
				t.Fatal(r, n, err)
			}
			if got := in.wantsContinue(); got != tc.want {
				t.Error(got)
			}
		})
	}
}

// A body that arrives a byte at a time is scanned once, and its memory grows with what has arrived.
func TestRequestReaderAllocatesNothingForAClaim(t *testing.T) {
	var in requestReader
	r, _, err := in.next([]byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\nx"), 0, new(headReader))
	if r != nil || err != nil {
		t.Fatal(r, err)
	}
	if cap(in.buffered) > 4096 {
		t.Errorf("%d bytes are held", cap(in.buffered))
	}
}

// FuzzRequestReader reads the same bytes in random pieces, and at once with net/http.
//
// What the requestReader takes, net/http reads the same, and where the one waits for more the other does not see a whole request.
// The requestReader refuses more: see checkHead and bodyScanner. It differs in this, too:
//   - empty lines before a request are skipped (RFC 9112 section 2.2), where net/http calls the request malformed;
//   - trailers are found but not read, where net/http refuses malformed ones.
func FuzzRequestReader(f *testing.F) {
	for _, s := range []string{get, post, empty, chunked, trailers, expecting, lineFeeds, emptyLine, http10, head,
		get + post + chunked + trailers + head, post[:len(post)-3], "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTP/1.1\r\n X: y\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n00000\r\nX\r\n\r\n" + get,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n",
	} {
		f.Add([]byte(s), uint64(1), uint16(0))
		f.Add([]byte(s), uint64(2), uint16(100))
	}
	for _, rule := range rfc9112 {
		f.Add([]byte(rule.in), uint64(3), uint16(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, limit uint16) {
		chunks := pieces(data, seed)
		got := feed(t, 0, chunks...)
		want := netHTTP(data)
		compareWithNetHTTP(t, data, got, want)

		if whole := feed(t, 0, data); !reflect.DeepEqual(whole, got) {
			t.Fatalf("in one piece %+v\nin %d pieces %+v", whole, len(chunks), got)
		}
		if limit == 0 {
			return
		}
		// Which of two errors is returned may depend on the pieces; whether there is one may not.
		limited, whole := feed(t, int(limit), chunks...), feed(t, int(limit), data)
		if !reflect.DeepEqual(limited.requests, whole.requests) || (limited.err == nil) != (whole.err == nil) {
			t.Fatalf("limit %d: in one piece %+v\nin pieces %+v", limit, whole, limited)
		}
		if n := len(limited.requests); n > 0 && (n > len(got.requests) || !reflect.DeepEqual(limited.requests, got.requests[:n])) {
			t.Fatalf("limit %d changes the requests: %+v", limit, limited)
		}
	})
}

func pieces(data []byte, seed uint64) (chunks [][]byte) {
	random := rand.New(rand.NewPCG(seed, 0))
	for len(data) > 0 {
		n := 1 + random.IntN(len(data))
		if random.IntN(2) == 0 {
			n = min(n, 1+random.IntN(8))
		}
		chunks, data = append(chunks, data[:n]), data[n:]
	}
	return chunks
}

// netHTTP reads all requests with net/http. err is nil if the bytes end between two requests.
func netHTTP(data []byte) (o outcome) {
	r := bufio.NewReaderSize(bytes.NewReader(data), 1<<16)
	for {
		for b, err := r.Peek(1); err == nil && (b[0] == '\r' || b[0] == '\n'); b, err = r.Peek(1) {
			_, _ = r.Discard(1)
		}
		if _, err := r.Peek(1); err != nil {
			return o
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			o.err = err
			return o
		}
		got, err := take(req)
		if err != nil {
			o.err = fmt.Errorf("body: %w", err)
			return o
		}
		o.requests = append(o.requests, got)
	}
}

func compareWithNetHTTP(t *testing.T, data []byte, got, want outcome) {
	t.Helper()
	for i := range min(len(got.requests), len(want.requests)) {
		if !reflect.DeepEqual(got.requests[i], want.requests[i]) {
			t.Fatalf("request %d of %q: got %+v\nwant %+v", i, data, got.requests[i], want.requests[i])
		}
	}
	switch {
	case len(got.requests) > len(want.requests):
		if !badTrailer(want.err) {
			t.Fatalf("%q: %d requests, net/http has %d and then %v", data, len(got.requests), len(want.requests), want.err)
		}
	case len(got.requests) < len(want.requests):
		if got.err == nil {
			t.Fatalf("%q: waits for more behind %d requests, net/http has %d", data, len(got.requests), len(want.requests))
		}
	}
}

// badTrailer reports whether net/http has refused a trailer.
func badTrailer(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "body: ") &&
		(strings.Contains(err.Error(), "trailer") || strings.Contains(err.Error(), "MIME header"))
}
