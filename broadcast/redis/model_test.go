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

// The model: which guest is on which channel of which node. It is compared with what the guests were told and what the nodes say whenever
// all is quiet.
type clusterModel struct {
	t      *testing.T
	redis  *redisServer
	rnd    *rand.Rand
	nodes  []*node
	guests []*modelGuest
	events int
	log    []string
}

type modelGuest struct {
	*guest
	user  string
	rooms map[string]*view
}

// view is a room as a guest sees it.
type view struct {
	asked   bool
	members []string
}

var modelRooms = []string{"presence-a", "presence-b", "presence-cache-c"}

// Random guests come and go on three nodes, Redis is cut off, restarted and frozen, nodes die: whenever it is quiet everybody sees the same members,
// and those who are there.
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
			m.quiet()
		}
	}
	m.quiet()
}

func (m *clusterModel) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *clusterModel) addNode() {
	m.nodes = append(m.nodes, newNode(m.t, Options{Addrs: []string{m.redis.path()}}).ready())
}

func (m *clusterModel) step() {
	switch n := m.rnd.IntN(100); {
	case n < 15 || len(m.guests) < 3:
		g := &modelGuest{guest: m.nodes[m.rnd.IntN(len(m.nodes))].connect(), user: fmt.Sprint("u", m.rnd.IntN(6)), rooms: map[string]*view{}}
		m.guests = append(m.guests, g)
	case n < 45:
		g := m.anyone()
		room := modelRooms[m.rnd.IntN(len(modelRooms))]
		if g.rooms[room] == nil {
			m.note("%p %s joins %s", g, g.user, room)
			g.rooms[room] = &view{}
			g.subscribe(room, fmt.Sprintf("%q", g.user))
		}
	case n < 58:
		g := m.anyone()
		room := modelRooms[m.rnd.IntN(len(modelRooms))]
		if g.rooms[room] != nil {
			m.note("%p %s leaves %s", g, g.user, room)
			g.unsubscribe(room)
			m.read(g)
			delete(g.rooms, room)
		}
	case n < 68:
		i := m.rnd.IntN(len(m.guests))
		m.note("%p %s goes", m.guests[i], m.guests[i].user)
		m.guests[i].leave()
		m.guests = slices.Delete(m.guests, i, i+1)
	case n < 90:
		m.events++
		_ = m.nodes[m.rnd.IntN(len(m.nodes))].app.Publish(nil, []byte(modelRooms[m.rnd.IntN(len(modelRooms))]), textFrame(fmt.Sprintf("event %d", m.events)), 0)
	case n < 93:
		m.note("connections are cut")
		m.redis.client.Do(m.t.Context(), "CLIENT", "KILL", "TYPE", []string{"pubsub", "normal"}[m.rnd.IntN(2)], "SKIPME", "yes")
	case n < 95:
		m.note("Redis restarts")
		m.redis.kill()
		m.redis.start()
	case n < 96:
		m.note("Redis stands still")
		frozen := m.redis.cmd.Process
		_ = frozen.Signal(syscall.SIGSTOP)
		time.AfterFunc(time.Duration(m.rnd.IntN(3000))*time.Millisecond, func() { _ = frozen.Signal(syscall.SIGCONT) })
	case n < 98:
		m.killNode(m.rnd.IntN(len(m.nodes)))
	}
}

func (m *clusterModel) anyone() *modelGuest { return m.guests[m.rnd.IntN(len(m.guests))] }

// killNode ends a node without a word, with everyone on it, and starts another one.
func (m *clusterModel) killNode(i int) {
	dead := m.nodes[i]
	m.note("a node dies")
	dead.stop()
	m.nodes = slices.Delete(m.nodes, i, i+1)
	m.guests = slices.DeleteFunc(m.guests, func(g *modelGuest) bool { return g.node == dead })
	m.addNode()
}

// read takes in what a guest has been told.
func (m *clusterModel) read(g *modelGuest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, text := range g.got {
		var msg struct{ Event, Channel, Data string }
		if json.Unmarshal([]byte(text), &msg) != nil || g.rooms[msg.Channel] == nil {
			continue
		}
		v := g.rooms[msg.Channel]
		switch {
		case strings.HasSuffix(msg.Event, "subscription_succeeded"):
			var data struct{ Presence struct{ IDs []string } }
			if err := json.Unmarshal([]byte(msg.Data), &data); err != nil {
				m.t.Fatal(err)
			}
			v.asked, v.members = true, data.Presence.IDs
		case !v.asked: // of a former subscription
		case strings.HasSuffix(msg.Event, "member_added"):
			id := userOf(msg.Data)
			if slices.Contains(v.members, id) {
				m.t.Errorf("%p %s was told twice that %s is on %s", g, g.user, id, msg.Channel)
			}
			v.members = append(v.members, id)
		case strings.HasSuffix(msg.Event, "member_removed"):
			id := userOf(msg.Data)
			if !slices.Contains(v.members, id) {
				m.t.Errorf("%p %s was told that %s has left %s, and did not know him", g, g.user, id, msg.Channel)
			}
			v.members = slices.DeleteFunc(v.members, func(s string) bool { return s == id })
		}
	}
	g.got = nil
}

func userOf(data string) string {
	var m struct {
		ID string `json:"user_id"`
	}
	_ = json.Unmarshal([]byte(data), &m)
	return m.ID
}

// quiet waits until everything agrees with the model.
func (m *clusterModel) quiet() {
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

// differs says what does not agree with the model.
func (m *clusterModel) differs() string {
	truth, connections := map[string]map[string]bool{}, map[string]int{}
	for _, g := range m.guests {
		m.read(g)
		for room := range g.rooms {
			if truth[room] == nil {
				truth[room] = map[string]bool{}
			}
			truth[room][g.user] = true
			connections[room]++
		}
	}
	for _, g := range m.guests {
		for room, v := range g.rooms {
			got := slices.Sorted(slices.Values(v.members))
			if want := slices.Sorted(maps.Keys(truth[room])); !v.asked || !slices.Equal(got, want) {
				return fmt.Sprintf("%p %s sees %q on %s (answered: %v), there are %q", g, g.user, got, room, v.asked, want)
			}
		}
	}
	for i, n := range m.nodes {
		for _, room := range modelRooms {
			c := n.app.Channel([]byte(room))
			if c.Subscribers != connections[room] || c.Occupied() && c.Users != len(truth[room]) {
				return fmt.Sprintf("node %d: %d subscribers and %d users on %s, there are %d and %d",
					i, c.Subscribers, c.Users, room, connections[room], len(truth[room]))
			}
			if ids := n.app.Users([]byte(room)); len(ids) != len(truth[room]) {
				return fmt.Sprintf("node %d: users %q on %s, there are %d", i, ids, room, len(truth[room]))
			}
		}
	}
	return ""
}
