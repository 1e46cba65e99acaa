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
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitTime bounds every wait: what has not happened by then never will.
const waitTime = 20 * time.Second

// redisServer is a real redis-server on a unix socket in a directory of its own. Whoever starts one runs beside the other tests, since
// most of the time is spent waiting.
type redisServer struct {
	t      *testing.T
	dir    string
	args   []string
	cmd    *exec.Cmd
	client *goredis.Client
}

func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	t.Parallel()
	r := &redisServer{t: t, dir: t.TempDir(), args: args}
	r.start()
	r.client = goredis.NewClient(&goredis.Options{Network: "unix", Addr: r.path(), MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() {
		_ = r.client.Close()
		r.kill()
	})
	return r
}

func (r *redisServer) path() string { return filepath.Join(r.dir, "redis.sock") }

func (r *redisServer) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", append([]string{"--port", "0", "--unixsocket", r.path(), "--dir", r.dir, "--save", "", "--appendonly", "no"}, r.args...)...)
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
	for end := time.Now().Add(waitTime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: it never happened", what)
}

// node is one node of a cluster, without sockets.
type node struct {
	t      testing.TB
	hub    *broadcast.Hub
	app    *broadcast.Directory
	bus    *Bus
	do     chan func()
	stop   context.CancelFunc
	closed atomic.Bool
}

func newNode(t testing.TB, o Options) *node {
	t.Helper()
	if o.Channel == "" {
		o.Channel = "reverb"
	}
	bus, err := New(o, 30*time.Minute, zaptest.NewLogger(t, zaptest.WrapOptions()))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, bus: bus, do: make(chan func())}
	n.hub = broadcast.NewHub(broadcast.Options{Loops: 1, Bus: bus})
	n.app = n.hub.NewDirectory("app")
	ctx, cancel := context.WithCancel(context.Background())
	loop, wake := n.hub.Loops()[0], make(chan struct{}, 1)
	ring := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	loop.Attach(ring, ring)
	var running sync.WaitGroup
	running.Go(func() { bus.Run(ctx, n.hub) })
	running.Go(func() {
		for {
			select {
			case <-wake:
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

func (n *node) ready() *node {
	n.t.Helper()
	eventually(n.t, "the node is connected", func() bool { return n.bus.Stats().Connected })
	return n
}

// on runs f on the node's loop.
func (n *node) on(f func()) {
	done := make(chan struct{})
	n.do <- func() { f(); close(done) }
	<-done
}

// guest is a client of a node.
type guest struct {
	node *node
	sub  broadcast.Subscriber
	mu   sync.Mutex
	got  []string
}

func (n *node) connect() *guest {
	p := &guest{node: n}
	n.on(func() { n.hub.Loops()[0].Add(&p.sub, pusher.NewSocketID(), n.app, p) })
	return p
}

func (p *guest) Write(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		size := 2 + int(b[1])
		switch b[1] {
		case 126:
			size = 4 + int(b[2])<<8 + int(b[3])
		case 127:
			size = 10 + int(b[6])<<24 + int(b[7])<<16 + int(b[8])<<8 + int(b[9])
		}
		p.got = append(p.got, string(broadcast.Frame(bytes.Clone(b[:size])).Payload()))
		b = b[size:]
	}
}

func (p *guest) Close(ws.StatusCode, string) { p.node.hub.Loops()[0].Remove(&p.sub) }

func (p *guest) leave() { p.node.on(func() { p.node.hub.Loops()[0].Remove(&p.sub) }) }

// subscribe asks for a channel; user is a user_id as JSON, for presence channels.
func (p *guest) subscribe(channel, user string) {
	var id *broadcast.Identity
	if user != "" {
		var err error
		if id, err = broadcast.NewIdentity(fmt.Appendf(nil, `{"user_id":%s}`, user)); err != nil {
			p.node.t.Fatal(err)
		}
	}
	p.node.on(func() {
		j := p.node.app.Subscribe(&p.sub, []byte(channel), pusher.KindOf(channel), id)
		if j.Success != nil {
			p.sub.Send(j.Success)
		}
		if j.Last != nil {
			p.sub.Send(j.Last)
		}
	})
}

func (p *guest) unsubscribe(channel string) {
	p.node.on(func() { p.node.app.Unsubscribe(&p.sub, []byte(channel)) })
}

// await waits until a message has come that contains all of parts, and returns it. Everything before it is forgotten.
func (p *guest) await(parts ...string) string {
	p.node.t.Helper()
	var found string
	eventually(p.node.t, "receiving "+strings.Join(parts, " ... "), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for i, m := range p.got {
			if containsAll(m, parts) {
				found = m
				p.got = p.got[i+1:]
				return true
			}
		}
		return false
	})
	return found
}

func (p *guest) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

func containsAll(s string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

func (p *guest) join(channel, user string) string {
	p.node.t.Helper()
	p.subscribe(channel, user)
	return p.await("subscription_succeeded", channel)
}

// publish publishes an event that nobody is left out of.
func (n *node) publish(channel, text string) {
	n.t.Helper()
	n.publishBut(channel, text, 0)
}

func (n *node) publishBut(channel, text string, except pusher.SocketID) {
	n.t.Helper()
	if err := n.app.Publish(nil, []byte(channel), textFrame(text), except); err != nil {
		n.t.Fatal(err)
	}
}

func textFrame(text string) broadcast.Frame {
	return broadcast.SealText(append(broadcast.TextBuffer(len(text)), text...))
}
