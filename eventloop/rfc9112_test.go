package eventloop

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// rfc9112 is what RFC 9112 asks of a server that reads a request, rule by rule, with RFC 9110 where that says more. want is what
// is answered to in, in order; a close is the end of the connection behind the last answer. Behind in comes a plain GET /next,
// which must be answered unless the connection has ended: what is left of a request must never be taken for one.
var rfc9112 = []struct{ section, rule, in, want string }{
	{"2.2", "an empty line before a request is ignored", "\r\n" + rfcGet, "200"},
	{"2.2", "a lone LF may end a line of the head", "GET /a HTTP/1.1\nHost: h\n\n", "200"},
	{"2.2", "a bare CR in a field is invalid", "GET /a HTTP/1.1\r\nHost: h\r\nA: b\rC: d\r\n\r\n", "400 close"},
	{"2.2", "a bare CR in a request line is invalid", "GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"2.2", "a bare CR in front of the end of a line is invalid", "GET /a HTTP/1.1\r\nHost: h\r\r\n\r\n", "400 close"},
	{"2.2", "a line of one CR is no end of the head", "GET /a HTTP/1.1\r\nHost: h\r\n\r\r\n\r\n", "400 close"},
	{"2.2", "white space before the first field", "GET /a HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n", "400 close"},
	{"2.2", "what is no HTTP", "hello\r\n\r\n", "400 close"},
	{"2.3", "a higher minor version is served as 1.1", "GET /a HTTP/1.2\r\nHost: h\r\n\r\n", "200"},
	{"2.3", "HTTP/2.0 in words", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 close"},
	{"2.3", "HTTP/0.9 in words", "GET /a HTTP/0.9\r\n\r\n", "505 close"},
	{"2.3", "HTTP/0.9", "GET /a\r\n\r\n", "400 close"},
	{"2.3", "the name of the protocol is case-sensitive", "GET /a http/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"2.3", "a version of three digits", "GET /a HTTP/1.10\r\nHost: h\r\n\r\n", "400 close"},
	{"3", "two spaces in the request line", "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3", "a tab in the request line", "GET\t/a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3", "a space behind the request line", "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n", "400 close"},
	{"3", "a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3", "a target longer than the server wants", "GET /" + strings.Repeat("a", 10_000) + " HTTP/1.1\r\nHost: h\r\n\r\n", "414 close"},
	{"3.1", "a method is a token", "G(T /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3.2", "HTTP/1.1 without Host", "GET /a HTTP/1.1\r\n\r\n", "400 close"},
	{"3.2", "two Hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400 close"},
	{"3.2", "a Host that is none", "GET /a HTTP/1.1\r\nHost: h/x\r\n\r\n", "400 close"},
	{"3.2", "a Host with a user", "GET /a HTTP/1.1\r\nHost: u@h\r\n\r\n", "400 close"},
	{"3.2", "an IPv6 Host with a port", "GET /a HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "200"},
	{"3.2", "HTTP/1.0 without Host", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200"},
	{"3.2", "a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3.2.1", "origin-form with a query", "GET /a?b=%20 HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	{"3.2.1", "a relative path", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3.2.2", "absolute-form must be accepted", "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	{"3.2.2", "absolute-form of another scheme", "GET ftp://other/a HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3.2.3", "authority-form with another method than CONNECT", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"3.2.4", "asterisk-form with OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	{"3.2.4", "asterisk-form with another method", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400 close"},
	{"5", "a field without a colon", "GET /a HTTP/1.1\r\nHost: h\r\nA\r\n\r\n", "400 close"},
	{"5", "a field without a name", "GET /a HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n", "400 close"},
	{"5.1", "white space before the colon", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello", "400 close"},
	{"5.1", "a tab before the colon", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "400 close"},
	{"5.1", "white space around a value is not part of it", "POST /a HTTP/1.1\r\nHost: \th\t\r\nContent-Length: \t 5 \r\n\r\nhello", "200"},
	{"5.1", "a name that is no token", "GET /a HTTP/1.1\r\nHost: h\r\nA(b: c\r\n\r\n", "400 close"},
	{"5.1", "a NUL in a value (RFC 9110 section 5.5)", "GET /a HTTP/1.1\r\nHost: h\r\nA: b\x00\r\n\r\n", "400 close"},
	{"5.1", "a value beyond ASCII (RFC 9110 section 5.5)", "GET /a HTTP/1.1\r\nHost: h\r\nA: \xe4\r\n\r\n", "200"},
	{"5.2", "a continued field is refused", "GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", "400 close"},
	{"5.2", "a length in a continued field", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n 5\r\n\r\nhello", "400 close"},
	{"6.1", "both framings are refused", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.1", "both framings the other way round", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.1", "chunks in HTTP/1.0 are faulty", "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.1", "a coding that is not understood", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501 close"},
	{"6.1", "chunked twice", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.1", "chunked in two lines", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.1", "the name of a coding has no case", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", "200"},
	{"6.1", "a coding with something in front", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.3", "chunked that is not the last coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "400 close"},
	{"6.3", "a length of two values", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 6\r\n\r\nhello", "400 close"},
	{"6.3", "two different lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400 close"},
	{"6.3", "two equal lengths may be refused, as Nginx does", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "400 close"},
	{"6.2", "a length with a sign", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", "400 close"},
	{"6.2", "a length in hexadecimal", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello", "400 close"},
	{"6.2", "an empty length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\nhello", "400 close"},
	{"6.2", "a length beyond all integers", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551621\r\n\r\nhello", "400 close"},
	{"6.2", "a length beyond the limit", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10001\r\n\r\n", "413 close"},
	{"6.2", "leading zeros", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 005\r\n\r\nhello", "200"},
	{"6.3", "a body with GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "200"},
	{"6.3", "a request without either has no body", "POST /a HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	{"7.1", "chunks, an extension, and a chunk of one byte", rfcChunked + "5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "200"},
	{"7.1", "digits in upper and lower case", rfcChunked + "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "200"},
	{"7.1", "a size beyond all integers", rfcChunked + "10000000000000000\r\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1", "a negative size", rfcChunked + "-1\r\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1", "a size with a prefix", rfcChunked + "0x5\r\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1", "a chunk longer than its size", rfcChunked + "4\r\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1", "a size that ends in a lone LF", rfcChunked + "5\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1.1", "an extension that ends in a lone LF", rfcChunked + "5;\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1.1", "an extension with a bare CR", rfcChunked + "5;a\rb\r\nhello\r\n0\r\n\r\n", "400 close"},
	{"7.1.1", "an extension that has no end", rfcChunked + "5;" + strings.Repeat("a", 10_000), "413 close"},
	{"7.1", "data that ends in a lone LF", rfcChunked + "5\r\nhello\n0\r\n\r\n", "400 close"},
	{"7.1.2", "trailer fields are read and left out", rfcChunked + "0\r\nContent-Length: 99\r\nHost: x\r\n\r\n", "200"},
	{"7.1.2", "a trailer that ends in a lone LF", rfcChunked + "0\r\nA: b\n\r\n", "400 close"},
	{"9.3", "HTTP/1.0 ends unless it asks not to", "GET /a HTTP/1.0\r\n\r\n", "200 close"},
	{"9.3", "a body that nobody wanted is read", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 27\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n\r", "200"},
	{"9.3.2", "pipelined requests are answered in order", rfcGet + "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + rfcGet, "200 200 200"},
	{"9.6", "nothing is served behind close", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200 close"},
	{"9.6", "close among others", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", "200 close"},
	{"9110 7.8", "Upgrade is ignored in HTTP/1.0", "GET /a HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade, keep-alive\r\n\r\n", "200"},
	{"9110 9.3.6", "CONNECT makes no tunnel", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", "200"},
	{"9110 10.1.1", "an expectation of HTTP/1.0 is ignored", "POST /a HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", "200"},
}

const (
	rfcGet     = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
	rfcChunked = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	rfcNext    = "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
)

// TestRFC9112 sends each request in one piece and in two, in front of GET /next. The API answers 200 to whatever it is given.
func TestRFC9112(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	for _, tc := range rfc9112 {
		t.Run(tc.section+" "+tc.rule, func(t *testing.T) {
			for _, cut := range []int{0, len(tc.in) / 2, len(tc.in) - 1} {
				c := dial(t, addr)
				c.send(tc.in[:cut])
				_, _ = io.WriteString(c, tc.in[cut:]+rfcNext) // it may have ended by now
				if got := c.statuses(strings.Contains(tc.in, "HEAD ")); got != tc.want {
					t.Errorf("cut at %d: %q, want %q", cut, got, tc.want)
				}
			}
		})
	}
}

// statuses reads what is answered up to and with GET /next, or the end of the connection. The second answer is one to HEAD, if that
// was asked for.
func (c *client) statuses(head bool) string {
	c.t.Helper()
	var got []string
	for i := 0; ; i++ {
		method := http.MethodGet
		if head && i == 1 {
			method = http.MethodHead
		}
		res, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			return strings.Join(append(got, "close"), " ")
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			c.t.Fatal("reading a response's body:", err)
		}
		switch {
		case strings.HasPrefix(string(body), "GET /next"):
			return strings.Join(got, " ")
		case strings.HasPrefix(string(body), "GET /smuggled"):
			c.t.Fatal("a body has been served as a request")
		}
		got = append(got, fmt.Sprint(res.StatusCode))
	}
}

// strictHead is a head by the letter of RFC 9112, but for lone LFs, written in another way than checkHead.
var strictHead = regexp.MustCompile(`^[!#$%&'*+\-.^_` + "`" + `|~0-9A-Za-z]+ [^\x00-\x20\x7f]+ HTTP/1\.[0-9]\r?\n` +
	`(?:[!#$%&'*+\-.^_` + "`" + `|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*\r?\n)*\r?\n$`)

var (
	hostLine   = regexp.MustCompile(`(?im)^host:`)
	lengthLine = regexp.MustCompile(`(?im)^content-length:`)
	codingLine = regexp.MustCompile(`(?im)^transfer-encoding:`)
)

// FuzzCheckHead holds what checkHead lets pass against another reading of the same rules, and has net/http read it.
func FuzzCheckHead(f *testing.F) {
	for _, rule := range rfc9112 {
		f.Add([]byte(rule.in))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		size := headSize(data, 0)
		if size == 0 || checkHead(data[:size]) != nil {
			return
		}
		head := string(data[:size])
		text := strings.ReplaceAll(head, "\r\n", "\n")
		hosts, lengths, codings := len(hostLine.FindAllString(text, -1)), len(lengthLine.FindAllString(text, -1)), len(codingLine.FindAllString(text, -1))
		version := regexp.MustCompile(`HTTP/1\.[0-9]`).FindString(head)
		switch {
		case !strictHead.MatchString(head):
			t.Fatalf("not by the letter: %q", head)
		case hosts > 1 || hosts == 0 && version != "HTTP/1.0":
			t.Fatalf("%d hosts: %q", hosts, head)
		case lengths+codings > 1 || codings > 0 && version == "HTTP/1.0":
			t.Fatalf("%d lengths and %d codings: %q", lengths, codings, head)
		}
		in := bufio.NewReader(strings.NewReader(head))
		if _, err := http.ReadRequest(in); err == nil && in.Buffered() > 0 {
			t.Fatalf("net/http sees another end of %q", head)
		}
	})
}
