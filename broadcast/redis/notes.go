package redis

import (
	"sync"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// note is a channel that has to be looked at.
type note struct {
	directory *broadcast.Directory
	channel   string
}

// notes is what Watch was told. Its lock is taken under a stripe.
type notes struct {
	mu     sync.Mutex
	list   []note
	filled chan struct{}
}

func newNotes() *notes { return &notes{filled: make(chan struct{}, 1)} }

func (n *notes) add(d *broadcast.Directory, channel string) {
	n.mu.Lock()
	n.list = append(n.list, note{d, channel})
	n.mu.Unlock()
	select {
	case n.filled <- struct{}{}:
	default:
	}
}

func (n *notes) take() []note {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

func (n *notes) none() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.list) == 0
}

func isCache(channel string) bool { return pusher.KindOf(channel).IsCache() }

func isPresence(channel string) bool { return pusher.KindOf(channel).IsPresence() }
