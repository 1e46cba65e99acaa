package broadcast

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"reverbd/protocol/pusher"
)

// stripeCount is the number of locks that the channels of an app are spread over.
const stripeCount = 256

// Directory is the channels of one app. Subscribe and Unsubscribe must be called on the loop of the subscriber; the other
// methods are safe for concurrent use.
type Directory struct {
	App         string
	hub         *Hub
	seed        maphash.Seed
	stripes     [stripeCount]stripe
	counts      counts
	claims      claims
	countsOn    atomic.Bool    // subscribers are told how many they are
	errorText   atomic.Bool    // the data of pusher:error is a JSON string, as in Reverb
	removed     atomic.Bool    // from the hub: nothing would expire what is cached now
	connections atomic.Int64   // of the app, to this node
	waiting     []atomic.Int64 // bytes of the app's events in the mailbox of each loop
	maxMembers  atomic.Int64   // users of a presence channel; 0 is no limit
	reported    atomic.Uint64  // two sets of Activities: see Report and Watch

	Tally // of the app on this node
}

// stripe is a part of the channels with its lock. While it is locked, only a mailbox, the deadline queue or the bus's
// dirty set may be locked. It is always unlocked by defer: a panic costs the connection or the message that it concerns, and must not
// stop every loop that comes to the stripe.
type stripe struct {
	directory *Directory
	mu        sync.Mutex
	topics    map[string]*Topic
	peak      int // high-water mark of topics
	cached    cacheList
}

// NewDirectory adds the channels of an app to the hub.
func (h *Hub) NewDirectory(app string) *Directory {
	d := &Directory{App: app, hub: h, seed: maphash.MakeSeed(), waiting: make([]atomic.Int64, len(h.loops))}
	for i := range d.stripes {
		d.stripes[i].directory = d
	}
	h.mu.Lock()
	h.directories = append(h.directories, d)
	h.mu.Unlock()
	return d
}

// SetErrorText chooses the form of the data of pusher:error: a JSON string, as Reverb sends it, or an object. Subscribers of all
// loops get it from then on.
func (d *Directory) SetErrorText(on bool) { d.errorText.Store(on) }

func (d *Directory) stripe(channel []byte) *stripe {
	return &d.stripes[maphash.Bytes(d.seed, channel)%stripeCount]
}

// eachStripe calls f for every stripe while that one is locked.
func (d *Directory) eachStripe(f func(*stripe)) {
	for i := range d.stripes {
		d.stripes[i].locked(f)
	}
}

func (st *stripe) locked(f func(*stripe)) {
	st.mu.Lock()
	defer st.mu.Unlock()
	fault("stripe")
	f(st)
}

// topic returns the topic of the channel, and creates it if necessary. The stripe is locked.
func (st *stripe) topic(channel []byte, kind pusher.Kind) *Topic {
	if t := st.topics[string(channel)]; t != nil {
		return t
	}
	t := &Topic{Name: string(channel), Kind: kind, stripe: st, tally: &st.directory.Tally}
	if kind.IsPresence() {
		t.roster = &roster{}
	}
	if st.topics == nil {
		st.topics = make(map[string]*Topic)
	}
	st.topics[t.Name] = t
	return t
}

// Publication is an event for one channel.
type Publication struct {
	Channel []byte
	Frame   Frame
	Except  pusher.SocketID // the connection that does not get it; 0: none
}

// Publish delivers f to all subscribers of the channel but the connection except (0: to all), on this node and on the
// others. A cache channel keeps f as its last event. own is the loop that the caller runs on, nil if it runs on none. The
// error is ErrOverloaded; then f was not delivered anywhere.
func (d *Directory) Publish(own *Loop, channel []byte, f Frame, except pusher.SocketID) error {
	bus := d.hub.bus
	if bus == nil {
		return d.deliver(own, channel, job{frame: f, except: except}, 0, allOrNothing)
	}
	if err := bus.Reserve(1, len(f)); err != nil {
		return err
	}
	if err := d.deliver(own, channel, job{frame: f, except: except}, 0, allOrNothing); err != nil {
		bus.Release(1, len(f))
		return err
	}
	bus.Publish(Event{App: d.App, Channel: string(channel), Frame: f, Except: except})
	return nil
}

// PublishAll is Publish for several events, in their order: either all of them are delivered, or none. Which of the two is decided
// before the first is.
func (d *Directory) PublishAll(own *Loop, list []Publication) error {
	if len(list) == 1 {
		return d.Publish(own, list[0].Channel, list[0].Frame, list[0].Except)
	}
	size := 0
	for i := range list {
		size += len(list[i].Frame)
		if d.behind(d.loopsOf(list[i].Channel), 1) != 0 {
			return ErrOverloaded
		}
	}
	bus := d.hub.bus
	if bus != nil {
		if err := bus.Reserve(len(list), size); err != nil {
			return err
		}
	}
	for i := range list {
		p := &list[i]
		_ = d.deliver(own, p.Channel, job{frame: p.Frame, except: p.Except}, 0, always) // which is never refused
		if bus != nil {
			bus.Publish(Event{App: d.App, Channel: string(p.Channel), Frame: p.Frame, Except: p.Except})
		}
	}
	return nil
}

// Reaches reports whether Publish to the channel has an effect: it has subscribers here, keeps its last event, or may have
// subscribers on other nodes. That may change at any time.
func (d *Directory) Reaches(channel []byte) bool {
	return d.hub.bus != nil || pusher.KindOf(channel).IsCache() || d.loopsOf(channel) != 0
}

// loopsOf returns the loops that have subscribers of the channel.
func (d *Directory) loopsOf(channel []byte) (loops uint64) {
	st := d.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.topics[string(channel)]; t != nil {
		loops = t.loops
	}
	return loops
}

// Deliver is Publish on this node alone, for events of other nodes. offset is the position of an event of a cache channel
// among all events of the channel; 0 on other channels. Nobody can be asked to send it later, so that a mailbox takes twice
// as much of these. Loops that are further behind do not get it, and all others do; the error is ErrOverloaded then.
func (d *Directory) Deliver(channel []byte, f Frame, except pusher.SocketID, offset uint64) error {
	d.Count(nil, EventsCluster, 1)
	return d.deliver(nil, channel, job{frame: f, except: except}, offset, whereRoom)
}

// admission is what becomes of an event for loops that are behind.
type admission int8

const (
	allOrNothing admission = iota // if one is behind, no loop gets it
	whereRoom                     // those get it that are not too far behind
	always                        // all get it
)

func (d *Directory) deliver(own *Loop, channel []byte, j job, offset uint64, a admission) error {
	kind := pusher.KindOf(channel)
	j.deflated = d.hub.deflate(j.frame)
	toWake, err := d.post(own, channel, kind, j, offset, a)
	d.hub.wake(toWake, own)
	if kind.IsCache() && d.hub.cache.over() {
		d.hub.shrinkCache()
	}
	return err
}

func (d *Directory) post(own *Loop, channel []byte, kind pusher.Kind, j job, offset uint64, a admission) (toWake uint64, err error) {
	st := d.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	fault("post")
	t := st.topics[string(channel)]
	if t == nil {
		if !kind.IsCache() {
			return 0, nil
		}
		t = st.topic(channel, kind)
	}
	loops := t.loops
	switch {
	case a == allOrNothing && d.behind(loops, 1) != 0:
		return 0, ErrOverloaded
	case a == whereRoom:
		if late := d.behind(loops, 2); late != 0 {
			loops, err = loops&^late, ErrOverloaded
		}
	}
	if kind.IsCache() {
		if offset > 0 && offset <= t.syncOffset {
			return 0, nil // it is older than the snapshot, whose last event stands for it
		}
		if offset == 0 || offset > t.cacheOffset { // else a later event of this node was confirmed first
			t.cacheOffset = max(t.cacheOffset, offset)
			d.cacheEvent(t, j.frame)
		}
		if t.vacant() {
			delete(st.topics, t.Name)
		}
	}
	t.seq++
	j.topic, j.seq = t, t.seq
	if own != nil {
		own.caused += int(t.subscribers)
	}
	if d.hub.timed && loops != 0 {
		j.at = sinceStart()
	}
	return d.hub.post(loops, j), err
}
