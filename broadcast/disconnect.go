package broadcast

import (
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// disconnectTask closes the connections of one app on one loop, in batches, so that the loop serves other connections in
// between.
type disconnectTask struct {
	loop      *Loop
	directory *Directory
	last      Frame
	code      ws.StatusCode
	reason    string
	next      int // subscribers from this index on are done
}

// disconnectBatch is the number of connections of a batch, whatever app they are of. Most are of one app.
const disconnectBatch = 64

// Disconnect sends last to every connection of the app on this node and closes it with the code. It returns before that is
// done.
func (d *Directory) Disconnect(last Frame, code ws.StatusCode, reason string) {
	for _, l := range d.hub.loops { // loops without connections too: one may be about to be added
		l.Post(&disconnectTask{loop: l, directory: d, last: last, code: code, reason: reason, next: -1})
	}
}

// Run iterates backwards, like terminateTask: only the last connection ever moves, to a lower index. It skips connections
// that are added meanwhile: the caller that adds them has to check the state of the app.
func (t *disconnectTask) Run() {
	if t.next < 0 || t.next > len(t.loop.subscribers) {
		t.next = len(t.loop.subscribers)
	}
	for range min(disconnectBatch, t.next) {
		t.next--
		if t.next >= len(t.loop.subscribers) {
			continue // closing one connection may have closed others
		}
		if s := t.loop.subscribers[t.next]; s.directory == t.directory {
			s.Send(t.last)
			s.Close(t.code, t.reason)
		}
	}
	if t.next > 0 {
		t.loop.Post(t)
	}
}

// terminateTask closes the connections of one user on one loop.
type terminateTask struct {
	loop      *Loop
	directory *Directory
	user      string
}

// Run iterates backwards: closing removes the connection from the list, and the last one takes its place.
func (t *terminateTask) Run() {
	for i := len(t.loop.subscribers) - 1; i >= 0; i-- {
		if s := t.loop.subscribers[i]; s.directory == t.directory && s.isUser(t.user) {
			s.conn.Close(ws.StatusCode(pusher.CloseForbidden), "You got disconnected by the app.")
		}
	}
}

// Terminate closes every connection of the app that is a member of a presence channel as the user with that key, on all
// nodes.
func (d *Directory) Terminate(user string) error {
	d.TerminateLocal(user)
	if d.hub.bus != nil {
		return d.hub.bus.Terminate(d.App, user)
	}
	return nil
}

// TerminateLocal is Terminate on this node alone.
func (d *Directory) TerminateLocal(user string) {
	for _, l := range d.hub.loops {
		if l.connectionCount.Load() > 0 { // a loop without connections may not run yet, and then it cannot be woken
			l.Post(&terminateTask{loop: l, directory: d, user: user})
		}
	}
}
