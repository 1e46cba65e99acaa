package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// nginx is Debian's Nginx with the configuration in deploy/nginx.
type nginx struct {
	*program
	dir  string // its configuration, logs and pid file
	port int
}

// nginxSetup says what of deploy/nginx is used.
type nginxSetup struct {
	site     string            // site.conf or site-tls.conf
	upstream string            // upstream-*.conf
	nodes    map[string]string // addresses in that file, and what takes their place
	times    map[string]string // the same for lines of locations.conf
	main     map[string]string // and of nginx.conf
	cert     string            // with site-tls.conf: files
	key      string
}

// startNginx starts one on a free port, and waits until it answers.
func startNginx(t *testing.T, o nginxSetup) *nginx {
	t.Helper()
	n := &nginx{dir: t.TempDir(), port: freePort(t)}
	at := func(name string) string { return n.dir + "/" + name }
	swaps := map[string]string{
		"/run/nginx.pid": at("nginx.pid"), "/var/log/nginx/": n.dir + "/",
		"/etc/nginx/conf.d/": at("conf.d/"), "/etc/nginx/sites-enabled/": at("sites-enabled/"),
	}
	maps.Copy(swaps, o.main)
	deploy(t, "nginx/nginx.conf", at("nginx.conf"), swaps)
	deploy(t, "nginx/reverbd.conf", at("conf.d/reverbd.conf"), nil)
	deploy(t, "nginx/"+o.upstream, at("conf.d/reverbd-upstream.conf"), o.nodes)
	deploy(t, "nginx/locations.conf", at("snippets/reverbd.conf"), o.times)
	site := map[string]string{"/etc/nginx/snippets/": at("snippets/")}
	if o.cert == "" {
		site["listen 80 "], site["listen [::]:80 "] = n.listen("127.0.0.1"), n.listen("127.0.0.2")
	} else {
		site["listen 443 "], site["listen [::]:443 "] = n.listen("127.0.0.1"), n.listen("127.0.0.2")
		site["/etc/letsencrypt/live/ws.example.com/fullchain.pem"] = o.cert
		site["/etc/letsencrypt/live/ws.example.com/privkey.pem"] = o.key
	}
	deploy(t, "nginx/"+o.site, at("sites-enabled/reverbd.conf"), site)
	n.write(t, "conf.d/here.conf", "client_body_temp_path "+at("body")+";\nproxy_temp_path "+at("proxy")+";\n")

	n.program = startProgram(t, n.dir, "nginx", "-p", n.dir, "-c", at("nginx.conf"), "-e", at("error.log"), "-g", "daemon off;")
	t.Cleanup(func() {
		if log, err := os.ReadFile(at("error.log")); err == nil && t.Failed() {
			t.Logf("error.log of nginx:\n%s", log)
		}
	})
	n.await(t, "its port", func() bool { return answers(n.port) })
	return n
}

func (n *nginx) listen(ip string) string { return fmt.Sprintf("listen %s:%d ", ip, n.port) }

// write writes a file of its configuration.
func (n *nginx) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reload is nginx -s reload, and waits until the new workers serve: they listen on one port more.
func (n *nginx) reload(t *testing.T) {
	t.Helper()
	port := freePort(t)
	n.write(t, "conf.d/reloaded.conf", fmt.Sprintf("server { listen 127.0.0.1:%d; return 204; }\n", port))
	run(t, n.dir, "nginx", "-p", n.dir, "-c", filepath.Join(n.dir, "nginx.conf"), "-e", filepath.Join(n.dir, "error.log"), "-s", "reload")
	n.await(t, "new workers", func() bool {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return true
	})
}

// front is what clients see: the proxy in the place of a server.
func (n *nginx) front() *server { return &server{port: n.port} }

// oneNode is the setup in front of one server over TCP.
func oneNode(s *server) nginxSetup {
	return nginxSetup{
		site: "site.conf", upstream: "upstream-one-node.conf", nodes: map[string]string{"127.0.0.1:8080": s.addr()},
	}
}

// overTCP is a server with args, and the setup in front of it.
func overTCP(t *testing.T, args ...string) (*server, nginxSetup) {
	t.Helper()
	s := startServer(t, args...)
	return s, oneNode(s)
}

// overUnix is overTCP over a unix socket, which the user of Nginx's workers may use as a member of its group. The server listens on a
// port too, where the tests reach it.
func overUnix(t *testing.T, args ...string) (*server, nginxSetup) {
	t.Helper()
	socket, port := filepath.Join(publicDir(t), "reverbd.sock"), freePort(t)
	listen := "unix:" + socket
	if os.Geteuid() == 0 {
		listen += "?mode=0660&owner=:www-data"
	}
	args = append(args, "--listen", listen, "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--trusted-proxies", "unix")
	return startServerIn(t, t.TempDir(), port, args...), nginxSetup{
		site: "site.conf", upstream: "upstream-unix-socket.conf", nodes: map[string]string{"/run/reverbd/reverbd.sock": socket},
	}
}

// Clients and server libraries work the same through Nginx.
func TestNginx(t *testing.T) {
	t.Parallel()
	t.Run("TCP", func(t *testing.T) {
		_, setup := overTCP(t, "--dev")
		testNginx(t, startNginx(t, setup).front())
	})
	t.Run("unix socket", func(t *testing.T) {
		_, setup := overUnix(t, "--dev")
		testNginx(t, startNginx(t, setup).front())
	})
}

func testNginx(t *testing.T, front *server) {
	for _, dir := range []string{"pusher-js", "laravel-echo", "pusher-node"} {
		t.Run(dir, func(t *testing.T) { runScenarios(t, dir, front) })
	}
	t.Run("up", func(t *testing.T) {
		res, err := http.Get(front.url("/up"))
		must(t, err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	})
}

// TLS ends at Nginx.
func TestNginxTLS(t *testing.T) {
	t.Parallel()
	s, ca := startServer(t, "--dev"), newAuthority(t)
	setup := oneNode(s)
	setup.site = "site-tls.conf"
	setup.cert, setup.key = ca.issue(t, "ws.example.com")
	front := startNginx(t, setup).front()
	servesTLS(t, front, ca)
}

// keepBusy lets clients come and events be published without a pause until idle is called. None of them may fail.
func keepBusy(t *testing.T, front *server) (idle func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	busy := make(chan int)
	go func() {
		rounds := 0
		for ; ctx.Err() == nil; rounds++ {
			if c, err := establish(front); err != nil {
				t.Errorf("a new client: %v", err)
			} else {
				_ = c.Close()
			}
			p := publisher(front) // as PHP does: a connection for each
			p.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if err := p.Trigger("during", "e", 1); err != nil {
				t.Errorf("a publish: %v", err)
			}
		}
		busy <- rounds
	}()
	return func() {
		t.Helper()
		stop()
		if rounds := <-busy; rounds < 3 {
			t.Errorf("only %d clients came meanwhile", rounds)
		}
	}
}

// During a reload the connected clients stay, no client is refused, and no publish is lost.
func TestNginxReload(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	n := startNginx(t, oneNode(s))
	front := n.front()
	var all []*client
	for range 40 {
		c := connect(t, front)
		c.subscribe("before", nil)
		all = append(all, c)
	}

	idle := keepBusy(t, front)
	for range 3 {
		n.reload(t)
	}
	idle()

	must(t, publisher(front).Trigger("before", "after", "still there"))
	for i, c := range all {
		if got := c.nextEvent("after").text(t); got != "still there" {
			t.Errorf("client %d: %s", i, got)
		}
	}
}

// The old workers of a reload end after worker_shutdown_timeout, and their clients reconnect to the new ones.
func TestNginxReloadEnds(t *testing.T) {
	t.Parallel()
	setup := oneNode(startServer(t, "--dev"))
	setup.main = map[string]string{"worker_shutdown_timeout 6h": "worker_shutdown_timeout 1s"}
	n := startNginx(t, setup)
	before := connect(t, n.front())
	n.reload(t)
	if text, err := before.read(); err == nil {
		t.Errorf("a client of the old worker: %s", text)
	}
	connect(t, n.front()).subscribe("news", nil)
}
