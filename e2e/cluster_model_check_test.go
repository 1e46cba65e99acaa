package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// quiesceTimeout is how long the cluster may take to reach the expected state: members of a dead node leave within 15 seconds.
const quiesceTimeout = 30 * time.Second

// quiesce waits until no message is in flight, and compares the nodes and clients with the model.
func (m *model) quiesce(records []*publicationRecord) {
	m.t.Helper()
	for _, c := range m.clients {
		c.sync()
		for ch := range c.subs {
			m.answered(c, ch)
		}
	}
	awaitCluster(m.t, m.nodes...)
	m.arrived(records)
	eventually(m.t, quiesceTimeout, fmt.Sprintf("round %d: rosters and counts", m.rounds), func() string {
		for _, f := range []func() string{m.rosters, m.counts, m.users} {
			if wrong := f(); wrong != "" {
				return wrong
			}
		}
		return ""
	})
	if m.redisTrouble || m.nodeTrouble != [3]bool{} {
		m.allDelivered()
	}
	for _, c := range append(slices.Clone(m.clients), m.gone...) {
		m.sequence(c)
		c.checkViolations()
	}
	m.gone = nil
	m.cached()
}

// arrived waits for the events that must arrive: all, except those of other nodes in an outage.
func (m *model) arrived(records []*publicationRecord) {
	m.t.Helper()
	for _, r := range records {
		for _, c := range r.needs {
			remote := c.node != r.node
			if !slices.Contains(m.clients, c) || remote && (m.redisTrouble || m.nodeTrouble[c.node] || m.nodeTrouble[r.node]) {
				continue
			}
			eventually(m.t, quiesceTimeout, fmt.Sprintf("round %d: client %d of node %d lacks %s of node %d on %s", m.rounds, c.id, c.node, r.name, r.node, r.channel), func() string {
				if c.has(r.channel, r.name) {
					return ""
				}
				return fmt.Sprint(c.names(r.channel))
			})
		}
	}
}

// has reports whether an event has arrived. It searches from the end.
func (w *watcher) has(channel, name string) (yes bool) {
	w.with(func() {
		events := w.of(channel).events
		for i := len(events) - 1; i >= 0 && !yes; i-- {
			yes = events[i].Event == name
		}
	})
	return yes
}

// allDelivered waits until, after an outage, events of every node reach every client on every channel.
func (m *model) allDelivered() {
	m.t.Helper()
	for _, ch := range modelChannels {
		eventually(m.t, quiesceTimeout, fmt.Sprintf("round %d: not everybody hears everybody on %s", m.rounds, ch), func() string {
			var all []*publicationRecord
			for i, n := range m.nodes {
				r := m.record(fmt.Sprint("api", i), i, ch, nil)
				a, err := n.trigger(publication{Name: r.name, Data: "1", Channels: []string{ch}})
				m.settle([]*publicationRecord{r}, a, err)
				all = append(all, r)
			}
			for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
				lacking := ""
				for _, r := range all {
					for _, c := range r.needs {
						if !c.has(ch, r.name) {
							lacking = fmt.Sprintf("client %d of node %d lacks %s", c.id, c.node, r.name)
						}
					}
				}
				if lacking == "" || time.Now().After(end) {
					return lacking
				}
			}
		})
	}
}

// sequence checks the events that a client has received since the last check.
func (m *model) sequence(c *modelClient) {
	m.t.Helper()
	for _, ch := range modelChannels {
		events := c.received(ch)
		var joinsAt []int
		c.with(func() { joinsAt = slices.Clone(c.of(ch).joinsAt) })
		for i := c.seen[ch]; i < len(events); i++ {
			name := events[i].Event
			publisher, number, ok := strings.Cut(name, "/")
			if !ok {
				continue // of members, and cache misses
			}
			n, _ := strconv.Atoi(number)
			key := publisher + " " + ch
			replayed := strings.Contains(ch, "cache-") && slices.Contains(joinsAt, i) // the last event, for a new subscriber
			// A client that subscribed in an outage gets the last event after it, which may be old.
			late := strings.Contains(ch, "cache-") && (m.redisTrouble || m.nodeTrouble[c.node])
			r := m.byName[name+" "+ch]
			switch {
			case !replayed && n <= c.last[key]:
				m.t.Errorf("round %d: client %d gets %s on %s after %d: twice, or out of order", m.rounds, c.id, name, ch, c.last[key])
			case !replayed && !late && r == nil:
				m.t.Errorf("round %d: client %d gets %s on %s, of a round before", m.rounds, c.id, name, ch)
			case !replayed && !c.was[ch]:
				m.t.Errorf("round %d: client %d gets %s on %s, which it is not subscribed to", m.rounds, c.id, name, ch)
			case r != nil && r.refused:
				m.t.Errorf("round %d: client %d gets %s on %s, which was refused", m.rounds, c.id, name, ch)
			case !replayed && r != nil && r.except == c:
				m.t.Errorf("round %d: client %d gets %s on %s, though it is left out", m.rounds, c.id, name, ch)
			}
			c.last[key] = max(n, c.last[key])
		}
		c.seen[ch] = len(events)
	}
}

// expectedUsers returns the users of a presence channel by the model.
func (m *model) expectedUsers(ch string) []string {
	var users []string
	for _, c := range m.clients {
		if user := c.subs[ch]; user != "" {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// rosters returns the first client whose roster differs from the model, or "".
func (m *model) rosters() string {
	for _, c := range m.clients {
		for ch, user := range c.subs {
			if user == "" {
				continue
			}
			got := slices.Sorted(slices.Values(c.members(ch)))
			if want := m.expectedUsers(ch); !slices.Equal(got, want) {
				return fmt.Sprintf("client %d of node %d has %v on %s, want %v; it saw %v", c.id, c.node, got, ch, want, c.names(ch))
			}
		}
	}
	return ""
}

func (m *model) counts() string {
	channels := map[string]map[string]int{}
	for _, ch := range modelChannels {
		count := 0
		for _, c := range m.clients {
			if _, ok := c.subs[ch]; ok {
				count++
			}
		}
		switch {
		case count == 0:
		case strings.HasPrefix(ch, "presence-"):
			channels[ch] = map[string]int{"user_count": len(m.expectedUsers(ch))}
		default:
			channels[ch] = map[string]int{"subscription_count": count}
		}
	}
	want := canonical(show(map[string]any{"channels": channels}))
	if wrong := same(m.nodes, want, func(n *node) string { return canonical(n.ask("/channels", "info=user_count,subscription_count")) }); wrong != "" {
		return wrong
	}
	return same(m.nodes, fmt.Sprintf(`{"connections":%d}`, len(m.clients)), func(n *node) string { return n.ask("/connections", "") })
}

// users compares the API's lists of users with the model, and their order on all nodes.
func (m *model) users() string {
	for _, ch := range modelChannels {
		if !strings.HasPrefix(ch, "presence-") {
			continue
		}
		list := m.nodes[0].users(ch)
		var want []string
		for _, user := range m.expectedUsers(ch) {
			want = append(want, strconv.Quote(user))
		}
		if got := slices.Sorted(slices.Values(list)); !slices.Equal(got, want) {
			return fmt.Sprintf("the users of %s are %v, want %v", ch, got, want)
		}
		if wrong := same(m.nodes, list, func(n *node) []string { return n.users(ch) }); wrong != "" {
			return ch + ": " + wrong
		}
	}
	return ""
}

// cached publishes on a cache channel on one node, and checks the last event on all nodes.
func (m *model) cached() {
	m.t.Helper()
	const ch = "cache-of-quiet"
	name := fmt.Sprint("quiet-", m.rounds)
	i := m.random.IntN(len(m.nodes))
	m.nodes[i].publish(ch, name, "1")
	for j, n := range m.nodes {
		eventually(m.t, clientTimeout, fmt.Sprintf("round %d: the last event that node %d published is not known to node %d", m.rounds, i, j), func() string {
			w := listening(m.t, n, ch)
			defer w.close()
			w.await(clientTimeout, "the last event", func() bool { return len(w.names(ch)) > 0 })
			if got := w.names(ch); !slices.Equal(got, []string{name}) {
				return fmt.Sprint(got)
			}
			return ""
		})
	}
}
