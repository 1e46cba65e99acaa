package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hidden is a request that an attacker wants to be served behind one that a proxy has checked.
const hidden = "GET /up HTTP/1.1\r\nHost: h\r\n\r\n"

// ambiguous are bytes that some parsers take for one request and others for two.
var ambiguous = map[string]string{
	"nothing unusual":            "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
	"length and chunks":          "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
	"chunks and length":          "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 36\r\n\r\n0\r\n\r\n" + hidden,
	"two lengths":                "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 31\r\n\r\n" + hidden,
	"a list of lengths":          "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 31\r\n\r\n" + hidden,
	"a length with a sign":       "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: +31\r\n\r\n" + hidden,
	"a space before the colon":   "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length : 31\r\n\r\n" + hidden,
	"a hidden coding":            "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\nContent-Length: 36\r\n\r\n0\r\n\r\n" + hidden,
	"a coding with a tab":        "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\nContent-Length: 36\r\n\r\n0\r\n\r\n" + hidden,
	"a continued coding":         "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden,
	"a continued length":         "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n 31\r\n\r\n" + hidden,
	"chunks in HTTP/1.0":         "POST /up HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + hidden,
	"chunked twice":              "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + hidden,
	"another coding":             "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\nContent-Length: 31\r\n\r\n" + hidden,
	"a carriage return":          "POST /up HTTP/1.1\r\nHost: h\r\nA: b\rTransfer-Encoding: chunked\r\nContent-Length: 36\r\n\r\n0\r\n\r\n" + hidden,
	"a head with an early end":   "GET /up HTTP/1.1\r\nHost: h\r\n\r\r\n" + hidden,
	"a size with a lone LF":      "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + hidden,
	"an extension with a LF":     "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\n" + hidden,
	"an extension with a CR":     "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n" + hidden,
	"data with a lone LF":        "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n" + hidden,
	"a size too large":           "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100000000000000005\r\nhello\r\n0\r\n\r\n" + hidden,
	"a length in a trailer":      "POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 31\r\n\r\n" + hidden,
	"a GET with a body":          "GET /up HTTP/1.1\r\nHost: h\r\nContent-Length: 31\r\n\r\n" + hidden,
	"a WebSocket that is none":   "GET /up HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 31\r\n\r\n" + hidden,
	"a NUL in a name":            "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length\x00: 31\r\n\r\n" + hidden,
	"a version that is not 1.x":  "GET /up HTTP/2.0\r\nHost: h\r\nContent-Length: 31\r\n\r\n" + hidden,
	"a target of another server": "GET http://other/up HTTP/1.1\r\nHost: h\r\n\r\n",
}

// rawNginx is Nginx with nothing between it and its upstream that would put things right: bodies are passed on as they come, over
// connections that are kept. Below /itself it answers by itself.
func rawNginx(t *testing.T, upstream *server) (addr string) {
	t.Helper()
	dir, port := publicDir(t), freePort(t)
	conf := fmt.Sprintf(`
worker_processes 1;
error_log %[1]s/error.log;
pid %[1]s/nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	upstream node { server %[2]s; keepalive 1; }
	server {
		listen 127.0.0.1:%[3]d;
		location / {
			proxy_pass http://node;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_request_buffering off;
		}
	}
	server {
		listen 127.0.0.2:%[3]d;
		location / { return 200 "itself"; }
	}
}`, dir, upstream.addr(), port)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, dir, "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "error.log"), "-g", "daemon off;")
	p.await(t, "its port", func() bool { return answers(port) })
	return fmt.Sprint("127.0.0.1:", port)
}

// exchangeBytes sends bytes and behind them a GET /last, and returns the status and body of every response up to that to it, the end
// of the connection, or until nothing has come for a while, where bytes have begun something that does not end.
func exchangeBytes(t *testing.T, addr, bytes string) (all []string) {
	t.Helper()
	c, err := net.DialTimeout("tcp4", addr, clientTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, bytes+"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") // it may be refused half-way
	for in := bufio.NewReader(c); ; {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		body, _ := io.ReadAll(res.Body)
		all = append(all, fmt.Sprintf("%d %.20q", res.StatusCode, body))
		if res.Close {
			return all
		}
	}
}

// requests is how many of the responses are to something that was taken for a request.
func requests(responses []string) (n int) {
	for _, r := range responses {
		if !strings.HasPrefix(r, "400 ") && !strings.HasPrefix(r, "413 ") && !strings.HasPrefix(r, "414 ") && !strings.HasPrefix(r, "50") {
			n++
		}
	}
	return n
}

// What Nginx takes for one request is never two, whether Nginx is in front or only reads the same bytes.
func TestRequestSmuggling(t *testing.T) {
	s := startServer(t, "--dev")
	front := rawNginx(t, s)
	itself := strings.Replace(front, "127.0.0.1", "127.0.0.2", 1)
	const healthy = `200 "{\"health\":\"OK\"}"`
	for name, bytes := range ambiguous {
		t.Run(name, func(t *testing.T) {
			ours, theirs := exchangeBytes(t, s.addr(), bytes), exchangeBytes(t, itself, bytes)
			if requests(ours) > requests(theirs) {
				t.Errorf("%d requests, Nginx sees %d:\n%q\n%q", requests(ours), requests(theirs), ours, theirs)
			}
			through := exchangeBytes(t, front, bytes)
			if requests(through) > requests(theirs) {
				t.Errorf("%d requests through Nginx, which sees %d itself: %q", requests(through), requests(theirs), through)
			}
			for range 3 { // over the connection that Nginx has kept: nobody gets the answer to a request that was hidden
				got := exchangeBytes(t, front, "")
				if len(got) != 1 || !strings.HasPrefix(got[0], "404 ") {
					t.Fatalf("another client's request is answered with %q", got)
				}
			}
			if got := exchangeBytes(t, front, hidden); len(got) != 2 || got[0] != healthy {
				t.Fatalf("/up is answered with %q", got)
			}
		})
	}
}
