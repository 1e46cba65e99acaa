package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// node is one of several reverbd processes that share a Redis. It serves the application of --dev, and may be killed and frozen.
type node struct {
	*server
	t       *testing.T
	dir     string // with .env
	args    []string
	running []*server // all that were started, the last one being server
	killed  bool
	api     *http.Client // one connection that is kept, so that its requests are in order
}

// startNode starts a node whose .env is env.
func startNode(t *testing.T, env string, args ...string) *node {
	t.Helper()
	n := newNode(t, env, args...)
	must(t, n.begin())
	return n
}

// startNodes starts several nodes at once and waits until they receive each other's events.
func startNodes(t *testing.T, count int, env string, args ...string) []*node {
	t.Helper()
	nodes := make([]*node, count)
	begun := make(chan error, count)
	for i := range nodes {
		nodes[i] = newNode(t, env, args...)
		go func() { begun <- nodes[i].begin() }()
	}
	for range nodes {
		must(t, <-begun)
	}
	awaitCluster(t, nodes...)
	return nodes
}

func newNode(t *testing.T, env string, args ...string) *node {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600))
	port := freePort(t)
	if len(args) == 0 {
		args = []string{"--dev", "--debug=false", "--reactors", "2"}
	}
	args = append(args, "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	n := &node{server: &server{port: port}, t: t, dir: dir, args: args}
	n.api = freshAPI()
	t.Cleanup(n.end)
	return n
}

// begin starts the process, for the first time or again. Started again it is a new node, on the same port.
func (n *node) begin() error {
	s, err := launch(n.dir, n.port, n.args...)
	if s != nil {
		n.server, n.killed = s, false
		n.running = append(n.running, s)
	}
	return err
}

func (n *node) end() {
	n.api.CloseIdleConnections()
	if !n.killed && n.cmd != nil {
		_ = n.cmd.Process.Signal(syscall.SIGCONT)
		if err := n.stop(); err != nil {
			n.t.Error(err)
		}
	}
	for _, s := range n.running {
		if text := s.output.String(); n.t.Failed() || strings.Contains(text, "panic") || strings.Contains(text, "DATA RACE") {
			n.t.Logf("node on port %d:\n%s", n.port, text)
		}
	}
}

// kill ends the process as kill -9 does.
func (n *node) kill() {
	n.t.Helper()
	n.killed = true
	must(n.t, n.cmd.Process.Kill())
	<-n.exited
}

func (n *node) freeze() { n.t.Helper(); must(n.t, n.cmd.Process.Signal(syscall.SIGSTOP)) }

func (n *node) thaw() { n.t.Helper(); must(n.t, n.cmd.Process.Signal(syscall.SIGCONT)) }

func freshAPI() *http.Client {
	return &http.Client{Timeout: 2 * clientTimeout, Transport: &http.Transport{MaxConnsPerHost: 1}}
}

// answer is a response of the API.
type answer struct {
	status     int
	body       string
	retryAfter string
}

// call makes a signed request. The error is that of the connection.
func (n *node) call(method, path, query, body string) (a answer, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequest(method, n.url(signTarget(appKey, appSecret, method, path, values, body, time.Now())), strings.NewReader(body))
	if err != nil {
		return a, err
	}
	res, err := n.api.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, string(text), res.Header.Get("Retry-After")}, err
}

// ask makes a GET request, which must succeed, and returns the body.
func (n *node) ask(path, query string) string {
	n.t.Helper()
	a, err := n.call("GET", "/apps/"+appID+path, query, "")
	if err != nil || a.status != http.StatusOK {
		n.t.Fatalf("GET %s?%s of port %d: %v %v", path, query, n.port, a, err)
	}
	return a.body
}

// publication is the body of POST /events.
type publication struct {
	Name     string   `json:"name"`
	Data     string   `json:"data"`
	Channels []string `json:"channels"`
	SocketID string   `json:"socket_id,omitempty"`
	Info     string   `json:"info,omitempty"`
}

// trigger publishes, and returns the answer, whether it succeeds or not.
func (n *node) trigger(p publication) (answer, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return answer{}, err
	}
	return n.call("POST", "/apps/"+appID+"/events", "", string(body))
}

// publish publishes one event to one channel, which must succeed.
func (n *node) publish(channel, name, data string) {
	n.t.Helper()
	n.publishTo(publication{Name: name, Data: data, Channels: []string{channel}})
}

func (n *node) publishTo(p publication) {
	n.t.Helper()
	if a, err := n.trigger(p); err != nil || a.status != http.StatusOK {
		n.t.Fatalf("publishing %v on port %d: %v %v", p, n.port, a, err)
	}
}

// users are the ids of GET /channels/x/users, in order.
func (n *node) users(channel string) (ids []string) {
	n.t.Helper()
	a, err := n.call("GET", "/apps/"+appID+"/channels/"+channel+"/users", "", "")
	if err == nil && a.status == http.StatusNotFound {
		return nil
	}
	var list struct {
		Users []struct{ ID json.RawMessage }
	}
	if err == nil {
		err = json.Unmarshal([]byte(a.body), &list)
	}
	if err != nil || a.status != http.StatusOK {
		n.t.Fatalf("users of %s on port %d: %v %v", channel, n.port, a, err)
	}
	for _, u := range list.Users {
		ids = append(ids, string(u.ID))
	}
	return ids
}

// eventually polls f until it returns "", and fails with its last text at the deadline.
func eventually(t *testing.T, within time.Duration, what string, f func() string) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		last := f()
		if last == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, last)
		}
	}
}

// same returns how the answer of a node differs from want, or "".
func same[T any](nodes []*node, want T, ask func(*node) T) string {
	for i, n := range nodes {
		if got := ask(n); show(got) != show(want) {
			return fmt.Sprintf("node %d says %s, want %s", i, show(got), show(want))
		}
	}
	return ""
}

// awaitCluster waits until every node receives the events of every other one.
func awaitCluster(t *testing.T, nodes ...*node) {
	t.Helper()
	const timeout = 40 * time.Second
	fence := fmt.Sprintf("cluster-%d", time.Now().UnixNano())
	var all []*watcher
	for _, n := range nodes {
		w := listening(t, n, fence)
		defer w.close()
		all = append(all, w)
	}
	eventually(t, timeout, "the nodes do not hear each other", func() string {
		for i, n := range nodes {
			if a, err := n.trigger(publication{Name: fmt.Sprint("from-", i), Data: "1", Channels: []string{fence}}); err != nil || a.status != 200 {
				return fmt.Sprint(a, err)
			}
		}
		for j, w := range all {
			for i := range nodes {
				if !slices.ContainsFunc(w.received(fence), func(m message) bool { return m.Event == fmt.Sprint("from-", i) }) {
					return fmt.Sprintf("node %d does not hear node %d", j, i)
				}
			}
		}
		return ""
	})
}
