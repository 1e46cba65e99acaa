package broadcast

import (
	"sync"
	"time"

	"reverbd/protocol/pusher"
)

// How often the subscribers of a channel are told how many they are: at once when nothing has changed for a while, else once a second.
const (
	countInterval = time.Second
	countDelay    = 50 * time.Millisecond // changes within this time are told together
)

// counts is the channels of an app whose number of subscribers has changed and is still to be told. Its lock is taken with a stripe
// locked.
type counts struct {
	mu      sync.Mutex
	changed map[string]bool
	pending bool      // tellCounts is going to be called
	told    time.Time // when it was called last
}

// SetCounts says whether subscribers are told how many they are (pusher_internal:subscription_count).
func (d *Directory) SetCounts(on bool) { d.countsOn.Store(on) }

// noteCount notes that the number of subscribers of t has changed. Presence channels have member events. The stripe is locked.
func (d *Directory) noteCount(t *Topic) {
	if !d.countsOn.Load() || t.roster != nil {
		return
	}
	c := &d.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(map[string]bool)
	}
	c.changed[t.Name] = true
	if !c.pending {
		c.pending = true
		d.hub.after(max(countDelay, c.told.Add(countInterval).Sub(d.hub.now())), d.tellCounts)
	}
}

// tellCounts tells the subscribers of every channel that has changed, on all nodes. It asks the other nodes for their share, once for all
// channels, so it may wait. If the bus is overloaded, only this node's subscribers are told.
func (d *Directory) tellCounts() {
	c := &d.counts
	c.mu.Lock()
	names := make([]string, 0, len(c.changed))
	for name := range c.changed {
		names = append(names, name)
	}
	c.changed, c.pending, c.told = nil, false, d.hub.now()
	c.mu.Unlock()
	command := Command{Action: ActionCounts}
	for _, ch := range d.Describe(names...) {
		if ch.Subscribers > 0 {
			command.Channels = append(command.Channels, ch.Name)
			command.Counts = append(command.Counts, ch.Subscribers)
		}
	}
	if len(command.Channels) > 0 && d.Command(command) != nil {
		d.CommandLocal(command)
	}
}

// tellCount tells the subscribers of a channel on this node how many they are on all nodes.
func (d *Directory) tellCount(channel string, count int) {
	d.withTopic(channel, func(t *Topic) uint64 {
		return d.announce(t, SealText(pusher.AppendSubscriptionCount(TextBuffer(len(channel)), channel, count)))
	})
}
