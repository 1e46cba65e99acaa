package broadcast

import "reverbd/protocol/ws"

// dismissal ends the connections of one app on one loop, some at a time: others have their turn in between.
type disconnectTask struct {
	loop      *Loop
	directory *Directory
	last      Frame
	code      ws.StatusCode
	reason    string
	next      int // subscribers from here on are done
}

// dismissalTurn is how many connections are looked at in one turn. Most are of one app.
const disconnectBatch = 64

// Dismiss ends every connection of the app on this node: each is sent last and closed with the code. It returns before that is done.
func (d *Directory) Disconnect(last Frame, code ws.StatusCode, reason string) {
	for _, l := range d.hub.loops { // also those without a connection: one may be about to be added
		l.Post(&disconnectTask{loop: l, directory: d, last: last, code: code, reason: reason, next: -1})
	}
}

// Run goes backwards, as terminate does: only the last connection ever moves, to a lower place. Connections that are added
// meanwhile are not looked at, since whoever lets them in knows what has become of the app.
func (t *disconnectTask) Run() {
	if t.next < 0 || t.next > len(t.loop.subscribers) {
		t.next = len(t.loop.subscribers)
	}
	for range min(disconnectBatch, t.next) {
		t.next--
		if t.next >= len(t.loop.subscribers) {
			continue // closing one may have closed others
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
