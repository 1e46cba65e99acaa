package broadcast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"reverbd/protocol/pusher"
)

// model knows which connection is subscribed to what, and which events each of them has to receive. It is compared with
// the table after every step that can be seen from outside.
type model struct {
	hub   *testHub
	conns []*modelConn
	seq   int
}

type modelConn struct {
	*fakeConn
	loop int
	gone bool
	// what the connection has to receive, by channel; the list of a channel is deleted when it unsubscribes
	expected map[string][]int
	received map[string][]int
	users    map[string]string
	last     int // greatest number received: events of all channels come in the order of publishing
}

var modelChannels = []string{"a", "b", "cache-c", "presence-p", "presence-q", "private-d"}

func FuzzSubscriptionTable(f *testing.F) {
	f.Add([]byte("\x00\x00\x01\x00\x00\x10\x02\x00\x03\x00\x04\x05"), uint64(1))
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		steps := make([]byte, 600)
		for i := range steps {
			steps[i] = byte(rnd.Uint32())
		}
		f.Add(steps, seed)
	}
	f.Fuzz(func(t *testing.T, steps []byte, seed uint64) {
		m := &model{hub: newTestHub(t, Options{Loops: 1 + int(seed%4)})}
		for len(steps) >= 3 {
			m.step(t, steps[0], int(steps[1]), int(steps[2]))
			steps = steps[3:]
		}
		m.hub.drainAll()
		m.compare(t)
		m.finish(t)
	})
}

func (m *model) step(t *testing.T, op byte, a, b int) {
	channel := modelChannels[b%len(modelChannels)]
	switch op % 10 {
	case 0, 1:
		loop := a % len(m.hub.loops)
		m.conns = append(m.conns, &modelConn{
			fakeConn: m.hub.connect(loop), loop: loop, last: m.seq,
			expected: map[string][]int{}, received: map[string][]int{}, users: map[string]string{},
		})
	case 2, 3, 4:
		if c := m.pick(a); c != nil {
			m.subscribe(t, c, channel, strconv.Itoa(a%3+1))
		}
	case 5:
		if c := m.pick(a); c != nil {
			m.hub.app.Unsubscribe(c.sub, []byte(channel))
			c.sub.loop.DrainUnlessScheduled()
			m.collect(t, c)
			delete(c.expected, channel)
			delete(c.users, channel)
		}
	case 6, 7:
		var except pusher.SocketID
		if c := m.pick(a); c != nil && b%2 == 0 {
			except = c.sub.ID
		}
		m.publish(channel, except)
	case 8:
		if c := m.pick(a); c != nil {
			if b%2 == 0 {
				c.sub.loop.Remove(c.sub)
				c.gone = true
				m.hub.loops[c.loop].DrainUnlessScheduled()
			} else {
				c.fail = true // closed by its next write
			}
		}
	case 9:
		m.hub.loops[a%len(m.hub.loops)].Drain()
	}
}

// pick returns a live connection, or nil.
func (m *model) pick(i int) *modelConn {
	if len(m.conns) == 0 {
		return nil
	}
	c := m.conns[i%len(m.conns)]
	if c.sub.dead {
		c.gone = true
	}
	if c.gone {
		return nil
	}
	return c
}

func (m *model) subscribe(t *testing.T, c *modelConn, channel, user string) {
	if !pusher.KindOf(channel).IsPresence() {
		user = ""
	}
	m.hub.subscribe(c.fakeConn, channel, user)
	if c.sub.dead {
		return
	}
	m.collect(t, c) // what the subscription that this one replaces has received
	if _, again := c.expected[channel]; !again || c.users[channel] != user {
		c.expected[channel], c.received[channel] = nil, nil
	}
	c.users[channel] = user
	if c.expected[channel] == nil {
		c.expected[channel] = []int{}
	}
}

func (m *model) publish(channel string, except pusher.SocketID) {
	m.seq++
	m.hub.publish(channel, fmt.Sprintf("%s %d", channel, m.seq), except)
	for _, c := range m.conns {
		if list, ok := c.expected[channel]; ok && c.sub.ID != except {
			c.expected[channel] = append(list, m.seq)
		}
	}
}

// collect moves what a connection received into its lists, and checks the order.
func (m *model) collect(t *testing.T, c *modelConn) {
	for _, text := range c.texts() {
		var channel string
		var seq int
		if _, err := fmt.Sscanf(text, "%s %d", &channel, &seq); err != nil {
			continue // member_added and member_removed
		}
		if seq <= c.last {
			t.Fatalf("event %d arrived behind event %d", seq, c.last)
		}
		c.last = seq
		c.received[channel] = append(c.received[channel], seq)
	}
}

// compare checks, when all loops are idle, what was received and what the table returns.
func (m *model) compare(t *testing.T) {
	subscribers, users := map[string]int{}, map[string]map[string]bool{}
	for i, c := range m.conns {
		if c.sub.dead {
			c.gone = true
			continue
		}
		m.collect(t, c)
		for channel, expected := range c.expected {
			if !slices.Equal(expected, c.received[channel]) {
				t.Fatalf("connection %d on %s: received %v, expected %v", i, channel, c.received[channel], expected)
			}
			subscribers[channel]++
			if users[channel] == nil {
				users[channel] = map[string]bool{}
			}
			users[channel][c.users[channel]] = true
		}
	}
	for _, channel := range modelChannels {
		got := m.hub.app.Channel([]byte(channel))
		if got.Subscribers != subscribers[channel] {
			t.Fatalf("%s: %d subscribers, expected %d", channel, got.Subscribers, subscribers[channel])
		}
		if got.Kind.IsPresence() && got.Users != len(users[channel]) {
			t.Fatalf("%s: %d users, expected %d", channel, got.Users, len(users[channel]))
		}
	}
	if got := len(m.hub.app.Channels("")); got != len(subscribers) {
		t.Fatalf("%d occupied channels, expected %d", got, len(subscribers))
	}
}

// finish closes everything and checks that nothing is left.
func (m *model) finish(t *testing.T) {
	for _, c := range m.conns {
		m.hub.loops[c.loop].Remove(c.sub)
		m.hub.loops[c.loop].DrainUnlessScheduled()
	}
	m.hub.drainAll()
	for i, l := range m.hub.loops {
		if len(l.shard) > 0 || len(l.subscribers.elements) > 0 || l.queued != 0 || l.mailbox.bytes.Load() != 0 {
			t.Errorf("loop %d keeps %d topics, %d subscribers, %d queued bytes, %d mailbox bytes",
				i, len(l.shard), len(l.subscribers.elements), l.queued, l.mailbox.bytes.Load())
		}
	}
	for i := range m.hub.app.stripes {
		for name, topic := range m.hub.app.stripes[i].topics {
			if !topic.vacant() && topic.cached == nil || topic.loops != 0 {
				t.Errorf("topic %s is left behind", name)
			}
		}
	}
}
