package redis

import (
	"sync"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// note is a channel that has to be looked at.
type channelRef struct {
	directory *broadcast.Directory
	channel   string
}

// notes is what Watch was told. Its lock is taken under a stripe.
type dirtySet struct {
	mu      sync.Mutex
	list    []channelRef
	changed chan struct{}
}

func newDirtySet() *dirtySet { return &dirtySet{changed: make(chan struct{}, 1)} }

func (d *dirtySet) add(dir *broadcast.Directory, channel string) {
	d.mu.Lock()
	d.list = append(d.list, channelRef{dir, channel})
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

func (d *dirtySet) take() []channelRef {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list
	d.list = nil
	return list
}

func (d *dirtySet) empty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.list) == 0
}

func isCache(channel string) bool { return pusher.KindOf(channel).IsCache() }

func isPresence(channel string) bool { return pusher.KindOf(channel).IsPresence() }
