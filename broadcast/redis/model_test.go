package redis

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "seed of the model test; 0 takes one from the clock")
	steps = flag.Int("steps", 120, "steps of the model test")
)

// clusterModel knows which client is on which channel of which node. It is compared with what the clients were sent and
// what the nodes answer.
type clusterModel struct {
	t       *testing.T
	redis   *redisServer
	rnd     *rand.Rand
	nodes   []*testNode
	clients []*modelClient
	events  int
	log     []string
}

type modelClient struct {
	*testClient
	user  string
	rooms map[string]*view
}

// view is a presence channel as a client sees it.
type view struct {
	answered bool
	members  []string
}

var modelRooms = []string{"presence-a", "presence-b", "presence-cache-c"}

// Random clients come and go on three nodes, connections to Redis are closed, Redis restarts and stalls, nodes die:
// afterwards all clients see the same members, and those that exist.
func TestModel(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d -steps %d", *seed, *steps)
	m := &clusterModel{t: t, redis: startRedis(t), rnd: rand.New(rand.NewPCG(*seed, 1))}
	for range 3 {
		m.addNode()
	}
	for i := range *steps {
		m.step()
		if i%20 == 19 {
			m.awaitAgreement()
		}
	}
	m.awaitAgreement()
}

func (m *clusterModel) logf(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *clusterModel) addNode() {
	m.nodes = append(m.nodes, newTestNode(m.t, Options{Addrs: []string{m.redis.path()}}).ready())
}

func (m *clusterModel) step() {
	switch n := m.rnd.IntN(100); {
	case n < 15 || len(m.clients) < 3:
		c := &modelClient{testClient: m.nodes[m.rnd.IntN(len(m.nodes))].connect(), user: fmt.Sprint("u", m.rnd.IntN(6)), rooms: map[string]*view{}}
		m.clients = append(m.clients, c)
	case n < 45:
		c := m.anyClient()
		room := modelRooms[m.rnd.IntN(len(modelRooms))]
		if c.rooms[room] == nil {
			m.logf("%p %s joins %s", c, c.user, room)
			c.rooms[room] = &view{}
			c.subscribe(room, fmt.Sprintf("%q", c.user))
		}
	case n < 58:
		c := m.anyClient()
		room := modelRooms[m.rnd.IntN(len(modelRooms))]
		if c.rooms[room] != nil {
			m.logf("%p %s leaves %s", c, c.user, room)
			c.unsubscribe(room)
			m.read(c)
			delete(c.rooms, room)
		}
	case n < 68:
		i := m.rnd.IntN(len(m.clients))
		m.logf("%p %s goes", m.clients[i], m.clients[i].user)
		m.clients[i].disconnect()
		m.clients = slices.Delete(m.clients, i, i+1)
	case n < 90:
		m.events++
		_ = m.nodes[m.rnd.IntN(len(m.nodes))].app.Publish(nil, []byte(modelRooms[m.rnd.IntN(len(modelRooms))]), frameOf(fmt.Appendf(nil, "event %d", m.events)), 0)
	case n < 93:
		m.logf("connections are cut")
		m.redis.client.Do(m.t.Context(), "CLIENT", "KILL", "TYPE", []string{"pubsub", "normal"}[m.rnd.IntN(2)], "SKIPME", "yes")
	case n < 95:
		m.logf("Redis restarts")
		m.redis.kill()
		m.redis.start()
	case n < 96:
		m.logf("Redis stands still")
		stopped := m.redis.cmd.Process
		_ = stopped.Signal(syscall.SIGSTOP)
		time.AfterFunc(time.Duration(m.rnd.IntN(3000))*time.Millisecond, func() { _ = stopped.Signal(syscall.SIGCONT) })
	case n < 98:
		m.killNode(m.rnd.IntN(len(m.nodes)))
	}
}

func (m *clusterModel) anyClient() *modelClient { return m.clients[m.rnd.IntN(len(m.clients))] }

// killNode stops a node with its clients, without a goodbye, and starts another one.
func (m *clusterModel) killNode(i int) {
	dead := m.nodes[i]
	m.logf("a node dies")
	dead.stop()
	m.nodes = slices.Delete(m.nodes, i, i+1)
	m.clients = slices.DeleteFunc(m.clients, func(c *modelClient) bool { return c.node == dead })
	m.addNode()
}

// read takes in what a client has been sent.
func (m *clusterModel) read(c *modelClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.got {
		var msg struct{ Event, Channel, Data string }
		if json.Unmarshal([]byte(text), &msg) != nil || c.rooms[msg.Channel] == nil {
			continue
		}
		v := c.rooms[msg.Channel]
		switch {
		case strings.HasSuffix(msg.Event, "subscription_succeeded"):
			var data struct{ Presence struct{ IDs []string } }
			if err := json.Unmarshal([]byte(msg.Data), &data); err != nil {
				m.t.Fatal(err)
			}
			v.answered, v.members = true, data.Presence.IDs
		case !v.answered: // of a former subscription
		case strings.HasSuffix(msg.Event, "member_added"):
			id := userOf(msg.Data)
			if slices.Contains(v.members, id) {
				m.t.Errorf("%p %s was told twice that %s is on %s", c, c.user, id, msg.Channel)
			}
			v.members = append(v.members, id)
		case strings.HasSuffix(msg.Event, "member_removed"):
			id := userOf(msg.Data)
			if !slices.Contains(v.members, id) {
				m.t.Errorf("%p %s was told that %s has left %s, and did not know him", c, c.user, id, msg.Channel)
			}
			v.members = slices.DeleteFunc(v.members, func(s string) bool { return s == id })
		}
	}
	c.got = nil
}

func userOf(data string) string {
	var m struct {
		ID string `json:"user_id"`
	}
	_ = json.Unmarshal([]byte(data), &m)
	return m.ID
}

// awaitAgreement waits until everything agrees with the model.
func (m *clusterModel) awaitAgreement() {
	m.t.Helper()
	var why string
	defer func() {
		if m.t.Failed() {
			m.t.Logf("%s\n%s", why, strings.Join(m.log, "\n"))
		}
	}()
	eventually(m.t, "all agree", func() bool {
		why = m.differs()
		return why == ""
	})
	m.log = nil
}

// differs says what does not agree with the model, "" if all does.
func (m *clusterModel) differs() string {
	truth, connections := map[string]map[string]bool{}, map[string]int{}
	for _, c := range m.clients {
		m.read(c)
		for room := range c.rooms {
			if truth[room] == nil {
				truth[room] = map[string]bool{}
			}
			truth[room][c.user] = true
			connections[room]++
		}
	}
	for _, c := range m.clients {
		for room, v := range c.rooms {
			got := slices.Sorted(slices.Values(v.members))
			if want := slices.Sorted(maps.Keys(truth[room])); !v.answered || !slices.Equal(got, want) {
				return fmt.Sprintf("%p %s sees %q on %s (answered: %v), there are %q", c, c.user, got, room, v.answered, want)
			}
		}
	}
	for i, n := range m.nodes {
		for _, room := range modelRooms {
			ch := n.app.Channel([]byte(room))
			if ch.Subscribers != connections[room] || ch.Occupied() && ch.Users != len(truth[room]) {
				return fmt.Sprintf("node %d: %d subscribers and %d users on %s, there are %d and %d",
					i, ch.Subscribers, ch.Users, room, connections[room], len(truth[room]))
			}
			if ids := n.app.Users([]byte(room)); len(ids) != len(truth[room]) {
				return fmt.Sprintf("node %d: users %q on %s, there are %d", i, ids, room, len(truth[room]))
			}
		}
	}
	return ""
}
