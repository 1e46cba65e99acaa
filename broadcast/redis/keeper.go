package redis

import (
	"sync"
	"time"
)

// keeper sees to it that this node hears what it wants, and that the cluster knows who is here. It works in rounds: what was noted since the last
// one becomes one batch for each server, so that a thousand subscriptions at once cost few round trips.
type keeper struct {
	session *session

	mu        sync.Mutex           // guards interests and calm against the ears
	interests map[string]*interest // by channel of Redis
	calm      bool                 // nothing is to be done

	due []*interest // for this round; each once
}

// interest is one channel that this node hears, or is about to.
type interest struct {
	note
	name       string // of Redis's channel
	subscribed bool   // the last command said so
	sent       int    // commands to subscribe and to unsubscribe
	answered   int    // of which so many were confirmed
	due        bool   // stands in keeper.due
	listed     bool   // in the node's rooms
	idle       time.Time
	last       heardLast
}

// heardLast is which event of a cache channel stood for all before it when this node began to hear the channel.
type heardLast struct{ origin, number uint64 }

// covers reports that an event was the last one or came before it. Who does not know whether an event was published publishes it
// again, with the same number and another order.
func (l heardLast) covers(s sealed) bool { return s.origin == l.origin && s.number <= l.number }

// hears reports that Redis sends what is published.
func (i *interest) hears() bool { return i.subscribed && i.answered == i.sent }

// How long a channel that nobody wants any longer is still heard: who comes back soon costs nothing then.
const (
	lingerTime = 10 * time.Second
	sweepTime  = time.Second
)

func newKeeper(s *session) *keeper {
	return &keeper{session: s, interests: make(map[string]*interest)}
}

// run is the keeper's goroutine.
func (k *keeper) run() error {
	sweep := time.NewTicker(sweepTime)
	defer sweep.Stop()
	caught := false
	for {
		done, err := k.round()
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		if !caught && k.unanswered() == 0 {
			caught = true
			close(k.session.caught)
		}
		select {
		case <-k.session.ctx.Done():
			return nil
		case <-k.session.bus.notes.filled:
		case <-k.session.ears.confirmed:
		case <-sweep.C:
			if err := k.sweep(); err != nil {
				return err
			}
		}
	}
}

// round does what there is to do. done says that there was nothing.
func (k *keeper) round() (done bool, err error) {
	if err := k.collect(); err != nil {
		return false, err
	}
	if len(k.due) == 0 {
		return true, nil
	}
	due := k.due
	k.due = nil
	var ask []*interest
	var errands []errand
	for _, i := range due {
		i.due = false
		if !i.hears() {
			if !i.subscribed && i.directory.Wants(i.channel) {
				ask = append(ask, i)
			}
			continue // it comes back when Redis has confirmed
		}
		if e, ok := k.errand(i); ok {
			errands = append(errands, e)
		}
	}
	if err := k.subscribe(ask); err != nil {
		return false, err
	}
	return false, k.carryOut(errands)
}

// collect makes due what was noted and what was confirmed.
func (k *keeper) collect() error {
	notes := k.session.bus.notes.take()
	confirmed := k.session.ears.takeConfirmed()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range notes {
		name := k.session.names.events(n.directory.App, n.channel)
		i := k.interests[name]
		if i == nil {
			i = &interest{note: n, name: name}
			k.interests[name] = i
		}
		if i.directory != n.directory && !k.succeeds(i, n) {
			continue
		}
		i.directory, i.idle = n.directory, time.Time{}
		k.become(i)
	}
	for _, name := range confirmed {
		i := k.interests[name]
		if i == nil {
			if k.session.ears.own(name) {
				return errMoved // they were confirmed when the session began
			}
			continue
		}
		if i.answered++; i.answered > i.sent {
			return errMoved
		}
		k.become(i)
	}
	k.calm = len(k.due) == 0
	return nil
}

// succeeds reports whether n, which is of another directory than the interest, takes its place now. An app that was removed and has come back
// waits until those who leave the former one are told of.
func (k *keeper) succeeds(i *interest, n note) bool {
	if !n.directory.Wants(n.channel) && !n.directory.HasRegistered(n.channel) {
		return false // the last word of the former one
	}
	if i.directory.HasRegistered(i.channel) {
		time.AfterFunc(succeedTime, func() { k.session.bus.notes.add(n.directory, n.channel) })
		return false
	}
	return true
}

const succeedTime = 20 * time.Millisecond

// become makes i due.
func (k *keeper) become(i *interest) {
	if !i.due {
		i.due = true
		k.due = append(k.due, i)
	}
}

// idle reports that nothing is to be done.
func (k *keeper) idle() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calm && k.session.bus.notes.none()
}

// unanswered is the number of channels that wait for Redis to confirm them.
func (k *keeper) unanswered() (n int) {
	for _, i := range k.interests {
		if i.answered != i.sent {
			n++
		}
	}
	return n
}

// find returns the channel of an app that a channel of Redis is for. It is called by the ears.
func (k *keeper) find(name string) (n note, last heardLast, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := k.interests[name]; i != nil {
		return i.note, i.last, true
	}
	return note{}, heardLast{}, false
}

func (k *keeper) subscribe(list []*interest) error {
	if len(list) == 0 {
		return nil
	}
	names := make([]string, len(list))
	for n, i := range list {
		i.subscribed = true
		i.sent++
		names[n] = i.name
	}
	return k.session.ears.subscribe(names)
}

// sweep stops hearing what nobody has wanted for a while.
func (k *keeper) sweep() error {
	var names []string
	k.mu.Lock()
	for name, i := range k.interests {
		switch {
		case i.due || i.answered != i.sent:
		case !i.subscribed && !i.directory.Wants(i.channel):
			delete(k.interests, name)
		case i.subscribed && !i.idle.IsZero() && time.Since(i.idle) > lingerTime:
			if i.idle = (time.Time{}); i.directory.TryUnsync(i.channel) {
				i.subscribed = false
				i.sent++
				names = append(names, name)
			}
		}
	}
	k.mu.Unlock()
	return k.session.ears.unsubscribe(names)
}
