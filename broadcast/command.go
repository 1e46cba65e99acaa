package broadcast

import (
	"net/http"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Action is what a Command asks for.
type Action string

// The actions.
const (
	ActionTerminate   Action = "terminate"   // close the connections of the user with 4009: clients stay away
	ActionReconnect   Action = "reconnect"   // close them with 4200: clients come back, and ask for every channel anew
	ActionUnsubscribe Action = "unsubscribe" // end their subscriptions to channels
	ActionCounts      Action = "counts"      // tell the subscribers of channels how many they are
)

// Command is what all nodes are to do to connections of an app.
type Command struct {
	App      string
	Action   Action
	User     string   `json:",omitempty"` // whose connections: see Subscriber.isUser. Not of ActionCounts
	Channels []string `json:",omitempty"` // of ActionUnsubscribe patterns, see pusher.MatchPattern; of ActionCounts names
	Counts   []int    `json:",omitempty"` // of ActionCounts, one for each of Channels
}

// Command carries out c, whose App is that of d, on all nodes. ErrOverloaded means on none.
func (d *Directory) Command(c Command) error {
	c.App = d.App
	if d.hub.bus != nil {
		if err := d.hub.bus.Command(c); err != nil {
			return err // nothing has been done: the request may be made again
		}
	}
	d.CommandLocal(c)
	return nil
}

// CommandLocal is Command on this node alone.
func (d *Directory) CommandLocal(c Command) {
	if c.Action == ActionCounts {
		for i := range min(len(c.Channels), len(c.Counts)) {
			d.tellCount(c.Channels[i], c.Counts[i])
		}
		return
	}
	for _, l := range d.hub.loops {
		if l.connectionCount.Load() > 0 { // a loop without connections may not run yet, and then it cannot be woken
			l.Post(&commandTask{loop: l, directory: d, command: c})
		}
	}
}

// commandTask carries out a command on the connections of one user on one loop.
type commandTask struct {
	loop      *Loop
	directory *Directory
	command   Command
}

// Run implements Task.
func (t *commandTask) Run() {
	t.loop.subscribers.Walk(t.loop, func(s *Subscriber) {
		if s.directory != t.directory || !s.isUser(t.command.User) {
			return
		}
		switch t.command.Action {
		case ActionTerminate:
			s.close(pusher.ErrTerminated)
		case ActionReconnect:
			s.close(pusher.ErrReconnect)
		case ActionUnsubscribe:
			t.directory.unsubscribeMatching(s, t.command.Channels)
		}
	})
}

func (s *Subscriber) close(e *pusher.Error) { s.Close(ws.StatusCode(e.Code), e.Message) }

// unsubscribeMatching ends the subscriptions of s to the channels that match any of the patterns, and tells the client of each.
func (d *Directory) unsubscribeMatching(s *Subscriber, patterns []string) {
	var ended []string
	matches := func(t *Topic) bool {
		if t.Kind.IsOnline() {
			return false
		}
		for _, p := range patterns {
			if pusher.MatchPattern(p, t.Name) {
				return true
			}
		}
		return false
	}
	for slot := int32(len(s.subs)) - 1; slot >= 0; slot-- {
		if t := s.subs[slot].group.topic; matches(t) {
			d.unsubscribeSlot(s, slot)
			ended = append(ended, t.Name)
		}
	}
	for p := s.pending; p != nil; {
		next := p.next
		if matches(p.topic) {
			d.cancelPending(p)
			ended = append(ended, p.topic.Name)
		}
		p = next
	}
	for _, channel := range ended {
		s.SendSubscriptionError(channel, "The app has ended the subscription.", http.StatusForbidden)
	}
}

// SendSubscriptionError queues a pusher:subscription_error for s: it is not subscribed to the channel, or not any more. status is as of
// an HTTP answer.
func (s *Subscriber) SendSubscriptionError(channel, message string, status int) {
	b := TextBuffer(len(message) + len(channel))
	s.Send(SealText(pusher.AppendSubscriptionError(b, channel, message, status)))
}
