package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// watcher is a client that reads on a goroutine of its own, and records the events of each channel and the roster by its member events.
type watcher struct {
	t    *testing.T
	c    *client
	node *node

	done chan struct{} // closed when the connection has ended

	mu         sync.Mutex
	sub        map[string]*channelLog // by channel
	errs       []string               // pusher:error
	violations []string               // what no correct server sends
	code       ws.StatusCode          // of the close frame
	ours       bool                   // the test has closed it
	pongs      int
}

// channelLog is what a client has received on one channel.
type channelLog struct {
	joins   int       // subscription_succeeded that have come
	events  []message // since the beginning, member events among them
	members []string  // user ids, in order
	joinsAt []int     // how many events were there when a subscription_succeeded came
}

// watch connects a watcher to the application of --dev.
func watch(t *testing.T, n *node) *watcher {
	t.Helper()
	w := &watcher{t: t, c: connect(t, n.server), node: n, sub: map[string]*channelLog{}, done: make(chan struct{})}
	_ = w.c.conn.SetDeadline(time.Time{})
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	for {
		data, op, err := wsutil.ReadServerData(struct {
			io.Reader
			io.Writer
		}{w.c.in, w.c.conn})
		w.mu.Lock()
		if closed, ok := errors.AsType[wsutil.ClosedError](err); ok {
			w.ended(closed.Code)
		}
		if err == nil && op == ws.OpText {
			w.take(data)
		}
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// ended files a close frame. One with a code of the Pusher protocol follows the error that says the same, which is none then.
// The lock is held.
func (w *watcher) ended(code ws.StatusCode) {
	w.code = code
	if code < 4000 || w.ours {
		return
	}
	last := len(w.errs) - 1
	if last < 0 || !strings.Contains(w.errs[last], fmt.Sprintf(`"code":%d,`, code)) {
		w.violations = append(w.violations, fmt.Sprintf("closed with %d behind %q", code, w.errs))
		return
	}
	w.errs = w.errs[:last]
}

// take files one message. The lock is held.
func (w *watcher) take(text []byte) {
	var m message
	if err := json.Unmarshal(bytes.Clone(text), &m); err != nil {
		w.violations = append(w.violations, fmt.Sprintf("not JSON: %q", text))
		return
	}
	h := w.of(m.Channel)
	switch m.Event {
	case "pusher:pong":
		w.pongs++
	case "pusher:ping":
		w.say(`{"event":"pusher:pong"}`)
	case "pusher:error":
		w.errs = append(w.errs, string(text))
	case "pusher_internal:subscription_succeeded":
		h.joins++
		h.joinsAt = append(h.joinsAt, len(h.events))
		h.members = rosterOf(m)
	case "pusher_internal:member_added":
		id := memberOf(m)
		h.events = append(h.events, m)
		if slices.Contains(h.members, id) {
			w.violations = append(w.violations, fmt.Sprintf("%s is added to %s and was there: %v", id, m.Channel, h.members))
			return
		}
		h.members = append(h.members, id)
	case "pusher_internal:member_removed":
		id := memberOf(m)
		h.events = append(h.events, m)
		i := slices.Index(h.members, id)
		if i < 0 {
			w.violations = append(w.violations, fmt.Sprintf("%s is removed from %s and was not there: %v", id, m.Channel, h.members))
			return
		}
		h.members = slices.Delete(h.members, i, i+1)
	default:
		h.events = append(h.events, m)
	}
}

func (w *watcher) of(channel string) *channelLog {
	if w.sub[channel] == nil {
		w.sub[channel] = &channelLog{}
	}
	return w.sub[channel]
}

// rosterOf are the ids of a presence channel's subscription_succeeded; nil on others. Numeric ids come as text there, so all ids
// are compared as text.
func rosterOf(m message) []string {
	var data struct {
		Presence struct{ IDs []json.RawMessage }
	}
	var text string
	_ = json.Unmarshal(m.Data, &text)
	_ = json.Unmarshal([]byte(text), &data)
	var ids []string
	for _, id := range data.Presence.IDs {
		ids = append(ids, strings.Trim(string(id), `"`))
	}
	return ids
}

func memberOf(m message) string {
	var data struct {
		ID json.RawMessage `json:"user_id"`
	}
	var text string
	_ = json.Unmarshal(m.Data, &text)
	_ = json.Unmarshal([]byte(text), &data)
	return strings.Trim(string(data.ID), `"`)
}

// say sends a message, unless the connection has ended. Both the test and the reader may: a message is one write.
func (w *watcher) say(text string) { _, _ = io.WriteString(w.c.conn, textFrame(text)) }

// subscribe asks for a public or private channel.
func (w *watcher) subscribe(channel string) {
	auth := ""
	if strings.HasPrefix(channel, "private-") {
		auth = `,"auth":"` + appKey + ":" + sign(appSecret, w.c.socketID+":"+channel) + `"`
	}
	w.say(`{"event":"pusher:subscribe","data":{"channel":"` + channel + `"` + auth + `}}`)
}

// join asks for a presence channel as the user.
func (w *watcher) join(channel, user string) {
	data := `{"user_id":"` + user + `","user_info":{"name":"` + user + `"}}`
	quoted, _ := json.Marshal(data)
	auth := appKey + ":" + sign(appSecret, w.c.socketID+":"+channel+":"+data)
	w.say(`{"event":"pusher:subscribe","data":{"channel":"` + channel + `","auth":"` + auth + `","channel_data":` + string(quoted) + `}}`)
}

func (w *watcher) unsubscribe(channel string) {
	w.say(`{"event":"pusher:unsubscribe","data":{"channel":"` + channel + `"}}`)
}

func (w *watcher) whisper(channel, name, data string) {
	w.say(`{"event":"client-` + name + `","channel":"` + channel + `","data":` + data + `}`)
}

// close closes the connection without a close frame.
func (w *watcher) close() {
	w.mu.Lock()
	w.ours = true
	w.mu.Unlock()
	_ = w.c.conn.Close()
	<-w.done
}

func (w *watcher) with(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// joined reports that the channel's subscription_succeeded is there.
func (w *watcher) joined(channel string) bool { return w.joins(channel) > 0 }

// joins is how many answers to subscriptions of the channel have come.
func (w *watcher) joins(channel string) (n int) {
	w.with(func() { n = w.of(channel).joins })
	return n
}

// received are the events of a channel up to now.
func (w *watcher) received(channel string) (events []message) {
	w.with(func() { events = slices.Clone(w.of(channel).events) })
	return events
}

// names are the events' names, up to now; member events have the user behind them.
func (w *watcher) names(channel string) (names []string) {
	for _, m := range w.received(channel) {
		name := m.Event
		if rest, ok := strings.CutPrefix(name, "pusher_internal:member_"); ok {
			name = rest + " " + memberOf(m)
		}
		names = append(names, name)
	}
	return names
}

// members is the roster as this client has it.
func (w *watcher) members(channel string) (ids []string) {
	w.with(func() { ids = slices.Clone(w.of(channel).members) })
	return ids
}

// await waits until f, which is called without the lock.
func (w *watcher) await(within time.Duration, what string, f func() bool) {
	w.t.Helper()
	eventually(w.t, within, "waiting for "+what, func() string {
		if f() {
			return ""
		}
		select {
		case <-w.done:
			w.mu.Lock()
			defer w.mu.Unlock()
			return fmt.Sprintf("the connection has ended with %d %q", w.code, w.errs)
		default:
		}
		return "not there"
	})
}

// entered joins a presence channel and waits for the answer.
func entered(t *testing.T, n *node, channel, user string) *watcher {
	t.Helper()
	w := watch(t, n)
	w.join(channel, user)
	w.await(clientTimeout, "the roster", func() bool { return w.joined(channel) })
	return w
}

// listening subscribes to channels and waits for the answers.
func listening(t *testing.T, n *node, channels ...string) *watcher {
	t.Helper()
	w := watch(t, n)
	for _, ch := range channels {
		w.subscribe(ch)
	}
	for _, ch := range channels {
		w.await(clientTimeout, "the subscription", func() bool { return w.joined(ch) })
	}
	return w
}

// checkViolations fails if anything came that no correct server sends.
func (w *watcher) checkViolations() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.violations {
		w.t.Error(s)
	}
	for _, s := range w.errs {
		w.t.Error(s)
	}
}
