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
