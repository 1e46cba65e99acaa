package redis

import (
	"sync"
	"time"
)

// keeper sees to it that this node hears what it wants, and that the cluster knows who is here. It works in rounds: what was noted since the last
// one becomes one batch for each server, so that a thousand subscriptions at once cost few round trips.
type subscriptions struct {
	session *session

	mu        sync.Mutex           // guards interests and calm against the ears
	interests map[string]*interest // by channel of Redis
	settled   bool                 // nothing is to be done

	queue []*interest // for this round; each once
}

// interest is one channel that this node hears, or is about to.
type interest struct {
	channelRef
	name          string // of Redis's channel
	subscribed    bool   // the last command said so
	commands      int    // commands to subscribe and to unsubscribe
	confirmed     int    // of which so many were confirmed
	queued        bool   // stands in keeper.due
	registered    bool   // in the node's rooms
	unwantedSince time.Time
	snapshotEvent eventID
}

// heardLast is which event of a cache channel stood for all before it when this node began to hear the channel.
type eventID struct{ origin, number uint64 }

// covers reports that an event was the last one or came before it. Who does not know whether an event was published publishes it
// again, with the same number and another order.
func (id eventID) covers(e envelope) bool { return e.origin == id.origin && e.number <= id.number }

// hears reports that Redis sends what is published.
func (i *interest) active() bool { return i.subscribed && i.confirmed == i.commands }

// How long a channel that nobody wants any longer is still heard: who comes back soon costs nothing then.
const (
	unsubscribeDelay = 10 * time.Second
	sweepInterval    = time.Second
)

func newSubscriptions(s *session) *subscriptions {
	return &subscriptions{session: s, interests: make(map[string]*interest)}
}

// run is the keeper's goroutine.
func (subs *subscriptions) run() error {
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	caughtUp := false
	for {
		done, err := subs.round()
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		if !caughtUp && subs.unconfirmed() == 0 {
			caughtUp = true
			close(subs.session.caughtUp)
		}
		select {
		case <-subs.session.ctx.Done():
			return nil
		case <-subs.session.bus.dirty.changed:
		case <-subs.session.pubsub.confirmed:
		case <-sweep.C:
			if err := subs.sweep(); err != nil {
				return err
			}
		}
	}
}

// round does what there is to do. done says that there was nothing.
func (subs *subscriptions) round() (done bool, err error) {
	if err := subs.collect(); err != nil {
		return false, err
	}
	if len(subs.queue) == 0 {
		return true, nil
	}
	batch := subs.queue
	subs.queue = nil
	var wanted []*interest
	var syncs []channelSync
	for _, i := range batch {
		i.queued = false
		if !i.active() {
			if !i.subscribed && i.directory.Wants(i.channel) {
				wanted = append(wanted, i)
			}
			continue // it comes back when Redis has confirmed
		}
		if cs, ok := subs.prepareSync(i); ok {
			syncs = append(syncs, cs)
		}
	}
	if err := subs.subscribe(wanted); err != nil {
		return false, err
	}
	return false, subs.runSyncs(syncs)
}

// collect makes due what was noted and what was confirmed.
func (subs *subscriptions) collect() error {
	changed := subs.session.bus.dirty.take()
	confirmed := subs.session.pubsub.takeConfirmed()
	subs.mu.Lock()
	defer subs.mu.Unlock()
	for _, ref := range changed {
		name := subs.session.names.events(ref.directory.App, ref.channel)
		i := subs.interests[name]
		if i == nil {
			i = &interest{channelRef: ref, name: name}
			subs.interests[name] = i
		}
		if i.directory != ref.directory && !subs.replaces(i, ref) {
			continue
		}
		i.directory, i.unwantedSince = ref.directory, time.Time{}
		subs.enqueue(i)
	}
	for _, name := range confirmed {
		i := subs.interests[name]
		if i == nil {
			if subs.session.pubsub.isNodeChannel(name) {
				return errMoved // they were confirmed when the session began
			}
			continue
		}
		if i.confirmed++; i.confirmed > i.commands {
			return errMoved
		}
		subs.enqueue(i)
	}
	subs.settled = len(subs.queue) == 0
	return nil
}

// succeeds reports whether n, which is of another directory than the interest, takes its place now. An app that was removed and has come back
// waits until those who leave the former one are told of.
func (subs *subscriptions) replaces(i *interest, ref channelRef) bool {
	if !ref.directory.Wants(ref.channel) && !ref.directory.HasRegistered(ref.channel) {
		return false // the last word of the former one
	}
	if i.directory.HasRegistered(i.channel) {
		time.AfterFunc(replaceRetryDelay, func() { subs.session.bus.dirty.add(ref.directory, ref.channel) })
		return false
	}
	return true
}

const replaceRetryDelay = 20 * time.Millisecond

// become makes i due.
func (subs *subscriptions) enqueue(i *interest) {
	if !i.queued {
		i.queued = true
		subs.queue = append(subs.queue, i)
	}
}

// idle reports that nothing is to be done.
func (subs *subscriptions) idle() bool {
	subs.mu.Lock()
	defer subs.mu.Unlock()
	return subs.settled && subs.session.bus.dirty.empty()
}

// unanswered is the number of channels that wait for Redis to confirm them.
func (subs *subscriptions) unconfirmed() (n int) {
	for _, i := range subs.interests {
		if i.confirmed != i.commands {
			n++
		}
	}
	return n
}

// find returns the channel of an app that a channel of Redis is for. It is called by the ears.
func (subs *subscriptions) lookup(name string) (ref channelRef, snapshotEvent eventID, ok bool) {
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if i := subs.interests[name]; i != nil {
		return i.channelRef, i.snapshotEvent, true
	}
	return channelRef{}, eventID{}, false
}

func (subs *subscriptions) subscribe(list []*interest) error {
	if len(list) == 0 {
		return nil
	}
	names := make([]string, len(list))
	for n, i := range list {
		i.subscribed = true
		i.commands++
		names[n] = i.name
	}
	return subs.session.pubsub.subscribe(names)
}

// sweep stops hearing what nobody has wanted for a while.
func (subs *subscriptions) sweep() error {
	var names []string
	subs.mu.Lock()
	for name, i := range subs.interests {
		switch {
		case i.queued || i.confirmed != i.commands:
		case !i.subscribed && !i.directory.Wants(i.channel):
			delete(subs.interests, name)
		case i.subscribed && !i.unwantedSince.IsZero() && time.Since(i.unwantedSince) > unsubscribeDelay:
			if i.unwantedSince = (time.Time{}); i.directory.TryUnsync(i.channel) {
				i.subscribed = false
				i.commands++
				names = append(names, name)
			}
		}
	}
	subs.mu.Unlock()
	return subs.session.pubsub.unsubscribe(names)
}
