package broadcast

import (
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// disconnectTask closes the connections of one app on one loop.
type disconnectTask struct {
	loop      *Loop
	directory *Directory
	err       *pusher.Error
}

// Disconnect closes every connection of the app on this node with the code and message of err. It returns before that is done.
func (d *Directory) Disconnect(err *pusher.Error) {
	for _, l := range d.hub.loops { // loops without connections too: one may be about to be added
		l.Post(&disconnectTask{loop: l, directory: d, err: err})
	}
}

// Run implements Task. The walk does not visit connections that are added meanwhile: the caller that adds them has to check the
// state of the app.
func (t *disconnectTask) Run() {
	t.loop.subscribers.Walk(t.loop, func(s *Subscriber) {
		if s.directory == t.directory {
			s.Close(ws.StatusCode(t.err.Code), t.err.Message)
		}
	})
}

// terminateTask closes the connections of one user on one loop.
type terminateTask struct {
	loop      *Loop
	directory *Directory
	user      string
}

// Run implements Task.
func (t *terminateTask) Run() {
	t.loop.subscribers.Walk(t.loop, func(s *Subscriber) {
		if s.directory == t.directory && s.isUser(t.user) {
			s.Close(pusher.CloseForbidden, "You got disconnected by the app.")
		}
	})
}

// Terminate closes every connection of the app that is a member of a presence channel as the user with that key, on all
// nodes.
func (d *Directory) Terminate(user string) error {
	if d.hub.bus != nil {
		if err := d.hub.bus.Terminate(d.App, user); err != nil {
			return err // nothing has been closed: the request may be made again
		}
	}
	d.TerminateLocal(user)
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
