package redis

import (
	"sync"
	"time"
)

// subscriptions manages what this node is subscribed to in Redis, and keeps the rosters in Redis up to date. It works in
// rounds: all channels that became dirty since the last round are one batch for each server, so that a thousand
// subscriptions at once cost few round trips. interests and their fields belong to the goroutine of run; mu protects what
// lookup, idle and receivers read.
type subscriptions struct {
	session *session

	mu        sync.Mutex           // guards interests and settled against the receiving goroutines
	interests map[string]*interest // by channel of Redis
	settled   bool                 // nothing is to be done

	queue []*interest // for this round; each once
}

// A channel without subscribers stays subscribed in Redis for unsubscribeDelay, so that a client that comes back soon
// costs no round trip.
const (
	unsubscribeDelay = 10 * time.Second
	sweepInterval    = time.Second
)

func newSubscriptions(s *session) *subscriptions {
	return &subscriptions{session: s, interests: make(map[string]*interest)}
}

// run works until the session ends.
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
		case <-subs.session.pubsub.confirmed.changed:
		case <-sweep.C:
			if err := subs.sweep(); err != nil {
				return err
			}
		}
	}
}

// round does one batch. done says that there was nothing to do.
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
			continue // Redis's confirmation queues it again
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

// collect queues the channels that became dirty and those that Redis has confirmed.
func (subs *subscriptions) collect() error {
	changed := subs.session.bus.dirty.take()
	confirmed := subs.session.pubsub.confirmed.take()
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
				return errMoved // they were confirmed when the session began: Redis has ended the subscription
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

// replaces reports whether ref, which belongs to another directory than the interest, takes its place now. The directory
// of an app that was removed and added again waits until the users of the former directory have left the roster.
func (subs *subscriptions) replaces(i *interest, ref channelRef) bool {
	if !ref.directory.Wants(ref.channel) && !ref.directory.HasRegistered(ref.channel) {
		return false // the last change of the former directory
	}
	if i.directory.HasRegistered(i.channel) {
		time.AfterFunc(replaceRetryDelay, func() { subs.session.bus.dirty.add(ref) })
		return false
	}
	return true
}

// replaceRetryDelay is the delay until a directory that waits for a former one is looked at again.
const replaceRetryDelay = 20 * time.Millisecond

// enqueue puts i into the queue.
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

// unconfirmed is the number of channels that wait for a confirmation by Redis.
func (subs *subscriptions) unconfirmed() (n int) {
	for _, i := range subs.interests {
		if i.confirmed != i.commands {
			n++
		}
	}
	return n
}

// lookup returns the channel of an app for a channel of Redis. It is called by the receiving goroutines.
func (subs *subscriptions) lookup(name string) (ref channelRef, snapshotEvent eventID, ok bool) {
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if i := subs.interests[name]; i != nil {
		return i.channelRef, i.snapshotEvent, true
	}
	return channelRef{}, eventID{}, false
}

// subscribe sends SUBSCRIBE for a list of channels.
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

// sweep unsubscribes from channels that have been without subscribers for unsubscribeDelay.
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
