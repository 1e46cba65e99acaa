package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A node is killed, and all its clients reconnect to another one at once, before the cluster knows that it is dead. All are subscribed again;
// the rosters are right then, and stay right when the dead node is evicted.
func TestClusterManyReconnect(t *testing.T) {
	t.Parallel()
	clients, room := 10_000, 100
	if len(raceFlags) > 0 || testing.Short() {
		clients, room = 1000, 50
	}
	nodes := startNodes(t, 3, startRedis(t).env())
	rooms := clients / room
	var observers []*watcher
	for i := range rooms {
		if i%(rooms/10) == 0 {
			observers = append(observers, entered(t, nodes[2], roomName(i), "observer"))
		}
	}
	members := make([]*member, clients)
	for i := range members {
		members[i] = &member{room: roomName(i / room), user: fmt.Sprint("user-", i)}
	}
	come := func(n *node) {
		t.Helper()
		var all sync.WaitGroup
		for part := range slices.Chunk(members, len(members)/64+1) { // as many as an accept queue holds
			all.Go(func() {
				for _, m := range part {
					if err := m.come(n); err != nil {
						t.Error(m.user, err)
						return
					}
				}
			})
		}
		all.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	right := func(when string, nodes ...*node) {
		t.Helper()
		eventually(t, goneWithin, when, func() string {
			for _, n := range nodes {
				if got, want := n.ask("/connections", ""), fmt.Sprintf(`{"connections":%d}`, clients+len(observers)); got != want {
					return fmt.Sprintf("%s, want %s", got, want)
				}
				var answer struct {
					Channels map[string]struct {
						Users int `json:"user_count"`
					}
				}
				must(t, json.Unmarshal([]byte(n.ask("/channels", "filter_by_prefix=presence-&info=user_count")), &answer))
				if len(answer.Channels) != rooms {
					return fmt.Sprintf("%d rooms, want %d", len(answer.Channels), rooms)
				}
				for name, ch := range answer.Channels {
					if ch.Users != room && ch.Users != room+1 {
						return fmt.Sprintf("%d users in %s", ch.Users, name)
					}
				}
			}
			for _, w := range observers {
				if got := len(w.members(w.room())); got != room+1 {
					return fmt.Sprintf("an observer of %s sees %d members, want %d", w.room(), got, room+1)
				}
			}
			return ""
		})
	}
	come(nodes[0])
	right("at first", nodes...)
	nodes[0].kill()
	come(nodes[1])
	right("after they came back", nodes[1:]...)
	time.Sleep(time.Second)
	right("and a second later", nodes[1:]...)
	eventually(t, goneWithin, "the dead node is not cleaned up after", func() string {
		if strings.Contains(nodes[1].output.String()+nodes[2].output.String(), "no sign of life") {
			return ""
		}
		return "not yet"
	})
	right("after the dead node was cleaned up after", nodes[1:]...)
	nodes[2].publish(roomName(0), "to all", "1")
	for _, m := range members[:room] {
		if err := m.until(`"to all"`); err != nil {
			t.Error(m.user, err)
		}
	}
	for _, w := range observers {
		for _, name := range w.names(w.room()) {
			if strings.HasPrefix(name, "removed ") {
				t.Errorf("%s though he is there", name)
			}
		}
		w.checkViolations()
	}
}

func roomName(i int) string { return fmt.Sprintf("presence-room-%03d", i) }

// room returns the only channel of the watcher.
func (w *watcher) room() (name string) {
	w.with(func() {
		for ch := range w.sub {
			if strings.HasPrefix(ch, "presence-") {
				name = ch
			}
		}
	})
	return name
}

// member is a client that reads only when a message is expected.
type member struct {
	room, user string
	conn       net.Conn
	in         *bufio.Reader
}

// come connects to a node and joins the room.
func (m *member) come(n *node) error {
	if m.conn != nil {
		_ = m.conn.Close()
	}
	c, err := dialPath(n.addr(), "/app/"+appKey)
	if err != nil {
		return err
	}
	n.t.Cleanup(func() { _ = c.Close() })
	m.conn, m.in = c.Conn, c.r
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	f, err := readFrame(m.in)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(f.Payload), `socket_id\":\"`)
	id, _, _ := strings.Cut(rest, `\"`)
	data := `{"user_id":"` + m.user + `"}`
	auth := appKey + ":" + sign(appSecret, id+":"+m.room+":"+data)
	text := `{"event":"pusher:subscribe","data":{"channel":"` + m.room + `","auth":"` + auth + `","channel_data":` + show(data) + `}}`
	if _, err := m.conn.Write([]byte(textFrame(text))); err != nil {
		return err
	}
	return m.until("subscription_succeeded")
}

// until reads up to a message with that in it.
func (m *member) until(sign string) error {
	for {
		f, err := readFrame(m.in)
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", sign, err)
		}
		if strings.Contains(string(f.Payload), sign) {
			return nil
		}
	}
}
