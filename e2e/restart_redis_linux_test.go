package e2e

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// One of two nodes that share a Redis is restarted. Members on the other node see only the restarted node's members leave and join; in the
// end all members are there, on both nodes.
func TestRestartOfANode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	redis := startRedisIn(t, dir)
	node := func() *server {
		s := &server{port: freePort(t), dir: dir, binary: serverBinary, env: []string{"REVERB_SCALING_ENABLED=true", "REDIS_HOST=" + redis}}
		s.args = []string{"--dev", "--debug=false", "--drain-timeout", "1", "--port", strconv.Itoa(s.port)}
		must(t, s.start())
		t.Cleanup(func() {
			if err := s.stop(); err != nil {
				t.Errorf("%v\n%s", err, s.output)
			}
		})
		must(t, s.awaitReady())
		return s
	}
	restarted, other := node(), node()

	const each = 20
	movers := &loadClients{s: restarted, done: make(chan struct{})}
	stayers := &loadClients{s: other, done: make(chan struct{})}
	for i := range each {
		movers.all.Go(func() { movers.reconnect(i) })
		stayers.all.Go(func() { stayers.reconnect(membersOfTheRoom/2 + i) })
	}
	everybody := func(f *loadClients, n int) bool {
		return f.failed() || f.count(t, "/apps/"+appID+"/channels/presence-room?info=user_count", `{"occupied":true,"user_count":`) == n
	}
	await(t, "everybody", func() bool { return everybody(movers, 2*each) && everybody(stayers, 2*each) })

	c, err := establish(other)
	must(t, err)
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	c.write(wire(textOf(presence(c, 1000))), 0)
	o := &observer{members: map[string]bool{}}
	var watching sync.WaitGroup
	watching.Go(func() { o.watch(c) })
	await(t, "the observer", func() bool { return everybody(movers, 2*each+1) })

	for range 3 {
		restarted.must(t, "restart")
		await(t, "everybody", func() bool {
			return everybody(movers, 2*each+1) && everybody(stayers, 2*each+1) && o.count() == 2*each+1
		})
	}
	movers.stop()
	stayers.stop()
	_ = c.Close()
	must(t, restarted.stop())
	must(t, other.stop())
	movers.all.Wait()
	stayers.all.Wait()
	watching.Wait()
	for _, problem := range slices.Concat(movers.problems, stayers.problems, o.problems) {
		t.Error(problem)
	}
}

// observer keeps the list of members, like a client.
type observer struct {
	mu       sync.Mutex
	members  map[string]bool
	problems []string
}

func (o *observer) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.members)
}

func (o *observer) watch(c *echoConn) {
	for {
		f, err := c.next()
		if err != nil || f.op == opClose && binary.BigEndian.Uint16(f.payload) == 4200 {
			return
		}
		o.take(f.payload)
	}
}

func (o *observer) take(payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fail := func(format string, args ...any) { o.problems = append(o.problems, fmt.Sprintf(format, args...)) }
	var m struct{ Event, Data string }
	var data struct {
		UserID   string `json:"user_id"`
		Presence struct {
			Hash map[string]any `json:"hash"`
		} `json:"presence"`
	}
	if json.Unmarshal(payload, &m) != nil || json.Unmarshal([]byte(m.Data), &data) != nil {
		fail("the observer gets %s", payload)
		return
	}
	id, _ := strconv.Atoi(data.UserID)
	switch m.Event {
	case "pusher_internal:subscription_succeeded":
		for id := range maps.Keys(data.Presence.Hash) {
			o.members[id] = true
		}
	case "pusher_internal:member_added":
		if o.members[data.UserID] || id >= membersOfTheRoom/2 {
			fail("%s is said to have come", data.UserID)
		}
		o.members[data.UserID] = true
	case "pusher_internal:member_removed":
		if !o.members[data.UserID] || id >= membersOfTheRoom/2 {
			fail("%s is said to have gone", data.UserID)
		}
		delete(o.members, data.UserID)
	}
}

// startRedisIn starts a Redis on a unix socket in dir and returns the socket's path.
func startRedisIn(t *testing.T, dir string) (socket string) {
	t.Helper()
	socket = filepath.Join(dir, "r.sock")
	p := startProgram(t, dir, "redis-server", "--port", "0", "--unixsocket", socket, "--save", "")
	p.await(t, "redis", func() bool {
		c, err := net.Dial("unix", socket)
		return err == nil && c.Close() == nil
	})
	return socket
}
