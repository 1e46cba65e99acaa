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

	// Each interest stands in at most one of these.
	queue       []*interest // to be looked at
	unsent      []*interest // to be subscribed to
	urgent      []*interest // to be synced: somebody waits for it
	later       []*interest // to be synced
	outstanding int         // commands that Redis has not confirmed
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
		if !caughtUp && subs.outstanding == 0 {
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

// maxOutstanding bounds the names that Redis is asked to subscribe to before it has confirmed others: its answers, of about 100 bytes each,
// count for the limit of what may wait for a subscriber.
const maxOutstanding = 20_000

// round does a part of what there is to do: so much that whatever comes next need not wait for long. done says that there was nothing that
// can be done now.
func (subs *subscriptions) round() (done bool, err error) {
	if err := subs.collect(); err != nil {
		return false, err
	}
	subs.sort()
	sent, err := subs.subscribe()
	if err != nil {
		return false, err
	}
	var syncs []channelSync
	take := func(list []*interest, n int) []*interest {
		n = min(n, len(list))
		for _, i := range list[:n] {
			i.queued = false
			syncs = subs.prepareSync(syncs, i)
		}
		return list[n:]
	}
	subs.urgent = take(subs.urgent, maxSyncs)
	subs.later = take(subs.later, max(maxSyncs/4, maxSyncs-len(syncs)))
	if sent == 0 && len(syncs) == 0 {
		return len(subs.urgent)+len(subs.later) == 0, nil
	}
	return false, subs.runSyncs(syncs)
}

// sort finds out what is to be done for whom.
func (subs *subscriptions) sort() {
	for _, i := range subs.queue {
		switch {
		case i.active() && i.directory.IsAwaited(i.channel):
			subs.urgent = append(subs.urgent, i)
		case i.active():
			subs.later = append(subs.later, i)
		case !i.subscribed && i.directory.Wants(i.channel):
			subs.unsent = append(subs.unsent, i)
		default:
			i.queued = false // it comes back when Redis has confirmed
		}
	}
	subs.queue = subs.queue[:0]
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
		subs.outstanding--
		subs.enqueue(i)
	}
	subs.settled = len(subs.queue)+len(subs.unsent)+len(subs.urgent)+len(subs.later) == 0
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

// lookup returns the channel of an app for a channel of Redis. It is called by the receiving goroutines.
func (subs *subscriptions) lookup(name string) (ref channelRef, snapshotEvent eventID, ok bool) {
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if i := subs.interests[name]; i != nil {
		return i.channelRef, i.snapshotEvent, true
	}
	return channelRef{}, eventID{}, false
}

// subscribe sends as many as Redis may be asked for now.
func (subs *subscriptions) subscribe() (sent int, err error) {
	sent = min(len(subs.unsent), max(0, maxOutstanding-subs.outstanding))
	names := make([]string, sent)
	for n, i := range subs.unsent[:sent] {
		i.queued, i.subscribed = false, true
		i.commands++
		names[n] = i.name
	}
	subs.outstanding += sent
	subs.unsent = subs.unsent[sent:]
	return sent, subs.session.pubsub.subscribe(names)
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
				subs.outstanding++
				names = append(names, name)
			}
		}
	}
	subs.mu.Unlock()
	return subs.session.pubsub.unsubscribe(names)
}
