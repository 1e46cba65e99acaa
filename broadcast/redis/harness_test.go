package redis

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"reverbd/broadcast"
	"reverbd/broadcast/redis/redistest"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// awaitTimeout limits every wait.
const awaitTimeout = 20 * time.Second

// redisServer is a real redis-server on a unix socket in a directory of its own. Tests that start one run in parallel,
// because most of their time is spent waiting.
type redisServer struct {
	t       testing.TB
	dir     string
	args    []string
	program string
	cmd     *exec.Cmd
	client  *goredis.Client
}

// servers are the programs that every test of what Redis refuses runs with. .ci/install test brings them.
var servers = map[string]string{
	"Redis 7": "redis-server", "Redis 8": "../../.cache/redis-8/redis-server", "Valkey 8": "../../.cache/valkey-8/redis-server",
}

// onEachServer runs a test with each of servers, for two nodes.
func onEachServer(t *testing.T, test func(t *testing.T, r *redisServer, a, b *testNode)) {
	t.Helper()
	for name, program := range servers {
		t.Run(name, func(t *testing.T) {
			r := startServer(t, program)
			a, b := newPairOn(t, r)
			test(t, r, a, b)
		})
	}
}

func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	return startServer(t, "redis-server", args...)
}

func startServer(t *testing.T, program string, args ...string) *redisServer {
	t.Helper()
	t.Parallel()
	return launchRedis(t, program, args...)
}

func launchRedis(t testing.TB, program string, args ...string) *redisServer {
	t.Helper()
	r := &redisServer{t: t, dir: t.TempDir(), program: program, args: args}
	r.start()
	r.client = goredis.NewClient(&goredis.Options{Network: "unix", Addr: r.path(), MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() {
		_ = r.client.Close()
		r.kill()
	})
	return r
}

// throughProxy are the options of a node that reaches Redis through a proxy of its own.
func throughProxy(t testing.TB, r *redisServer) (*redistest.Proxy, Options) {
	t.Helper()
	p, err := redistest.NewProxy("127.0.0.1:0", "unix", r.path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, Options{Addrs: []string{p.Addr()}}
}

func (r *redisServer) path() string { return filepath.Join(r.dir, "redis.sock") }

func (r *redisServer) start() {
	r.t.Helper()
	r.cmd = exec.Command(r.program, append([]string{"--port", "0", "--unixsocket", r.path(), "--dir", r.dir, "--save", "", "--appendonly", "no"}, r.args...)...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, "redis-server listens", func() bool {
		c, err := net.Dial("unix", r.path())
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

func (r *redisServer) kill() {
	_ = r.cmd.Process.Signal(syscall.SIGCONT)
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func (r *redisServer) signal(s syscall.Signal) {
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(awaitTimeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: it never happened", what)
}

// testNode is one node of a cluster, without sockets.
type testNode struct {
	t      testing.TB
	hub    *broadcast.Hub
	app    *broadcast.Directory
	bus    *Bus
	do     chan func()
	stop   context.CancelFunc
	closed atomic.Bool
}

func newTestNode(t testing.TB, o Options) *testNode {
	t.Helper()
	if o.Channel == "" {
		o.Channel = "reverb"
	}
	bus, err := New(o, 30*time.Minute, zaptest.NewLogger(t, zaptest.WrapOptions()))
	if err != nil {
		t.Fatal(err)
	}
	n := &testNode{t: t, bus: bus, do: make(chan func())}
	n.hub = broadcast.NewHub(broadcast.Options{Loops: 1, Bus: bus})
	n.app = n.hub.NewDirectory("app")
	ctx, cancel := context.WithCancel(context.Background())
	loop, woken := n.hub.Loops()[0], make(chan struct{}, 1)
	wake := func() { notify(woken) }
	loop.Attach(wake, wake)
	var running sync.WaitGroup
	running.Go(func() { bus.Run(ctx, n.hub) })
	running.Go(func() {
		for {
			select {
			case <-woken:
				loop.Drain()
			case f := <-n.do:
				f()
				loop.DrainUnlessScheduled()
			case <-ctx.Done():
				return
			}
		}
	})
	n.stop = func() {
		if n.closed.CompareAndSwap(false, true) {
			cancel()
			running.Wait()
		}
	}
	t.Cleanup(n.stop)
	return n
}

func (n *testNode) ready() *testNode {
	n.t.Helper()
	eventually(n.t, "the node is connected", func() bool { return n.bus.Stats().Connected })
	return n
}

// on runs f on the loop of the node.
func (n *testNode) on(f func()) {
	done := make(chan struct{})
	n.do <- func() { f(); close(done) }
	<-done
}

// testClient is a client of a node.
type testClient struct {
	node *testNode
	sub  broadcast.Subscriber
	mu   sync.Mutex
	got  []string
}

func (n *testNode) connect() *testClient {
	c := &testClient{node: n}
	n.on(func() { n.hub.Loops()[0].Add(&c.sub, pusher.NewSocketID(), n.app, c) })
	return c
}

func (c *testClient) Write(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(b) > 0 {
		size := 2 + int(b[1])
		switch b[1] {
		case 126:
			size = 4 + int(b[2])<<8 + int(b[3])
		case 127:
			size = 10 + int(b[6])<<24 + int(b[7])<<16 + int(b[8])<<8 + int(b[9])
		}
		c.got = append(c.got, string(broadcast.Frame(bytes.Clone(b[:size])).Payload()))
		b = b[size:]
	}
}

func (c *testClient) Close(ws.StatusCode, string) { c.node.hub.Loops()[0].Remove(&c.sub) }

func (c *testClient) disconnect() { c.node.on(func() { c.node.hub.Loops()[0].Remove(&c.sub) }) }

// subscribe subscribes to a channel; user is a user_id as JSON, for presence channels.
func (c *testClient) subscribe(channel, user string) {
	var id *broadcast.Identity
	if user != "" {
		var err error
		if id, err = broadcast.NewIdentity(fmt.Appendf(nil, `{"user_id":%s}`, user)); err != nil {
			c.node.t.Fatal(err)
		}
	}
	c.node.on(func() {
		j := c.node.app.Subscribe(&c.sub, []byte(channel), pusher.KindOf(channel), id)
		if j.Success != nil {
			c.sub.Send(j.Success)
		}
		if j.Last != nil {
			c.sub.Send(j.Last)
		}
	})
}

func (c *testClient) unsubscribe(channel string) {
	c.node.on(func() { c.node.app.Unsubscribe(&c.sub, []byte(channel)) })
}

// await waits for a message that contains all of parts, and returns it. It drops that message and all before it.
func (c *testClient) await(parts ...string) string {
	c.node.t.Helper()
	var found string
	eventually(c.node.t, "receiving "+strings.Join(parts, " ... "), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, m := range c.got {
			if containsAll(m, parts) {
				found = m
				c.got = c.got[i+1:]
				return true
			}
		}
		return false
	})
	return found
}

func (c *testClient) received() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.got...)
}

func containsAll(s string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

func (c *testClient) join(channel, user string) string {
	c.node.t.Helper()
	c.subscribe(channel, user)
	return c.await("subscription_succeeded", channel)
}

// publish publishes an event to all subscribers.
func (n *testNode) publish(channel, text string) {
	n.t.Helper()
	n.publishExcept(channel, text, 0)
}

func (n *testNode) publishExcept(channel, text string, except pusher.SocketID) {
	n.t.Helper()
	if err := n.app.Publish(nil, []byte(channel), frameOf([]byte(text)), except); err != nil {
		n.t.Fatal(err)
	}
}
