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
	errorText   atomic.Bool   // the data of pusher:error is a JSON string, as in Reverb
	removed     atomic.Bool   // from the hub: nothing would expire what is cached now
	connections atomic.Int64  // of the app, to this node
	reported    atomic.Uint32 // Activities: see Report
}

// stripe is a part of the channels with its lock. While it is locked, only a mailbox, the deadline queue or the bus's
// dirty set may be locked.
type stripe struct {
	mu     sync.Mutex
	topics map[string]*Topic
	cached cacheList
}

// NewDirectory adds the channels of an app to the hub.
func (h *Hub) NewDirectory(app string) *Directory {
	d := &Directory{App: app, hub: h, seed: maphash.MakeSeed()}
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

// topic returns the topic of the channel, and creates it if necessary. The stripe is locked.
func (st *stripe) topic(channel []byte, kind pusher.Kind) *Topic {
	if t := st.topics[string(channel)]; t != nil {
		return t
	}
	t := &Topic{Name: string(channel), Kind: kind, stripe: st}
	if kind.IsPresence() {
		t.roster = &roster{}
	}
	if st.topics == nil {
		st.topics = make(map[string]*Topic)
	}
	st.topics[t.Name] = t
	return t
}

// Publish delivers f to all subscribers of the channel but the connection except (0: to all), on this node and on the
// others. A cache channel keeps f as its last event. own is the loop that the caller runs on, nil if it runs on none. The
// error is ErrOverloaded; then f was not delivered anywhere.
func (d *Directory) Publish(own *Loop, channel []byte, f Frame, except pusher.SocketID) error {
	bus := d.hub.bus
	if bus == nil {
		return d.deliver(own, channel, f, except, 0)
	}
	if err := bus.Reserve(len(f)); err != nil {
		return err
	}
	if err := d.deliver(own, channel, f, except, 0); err != nil {
		bus.Release(len(f))
		return err
	}
	bus.Publish(Event{App: d.App, Channel: string(channel), Frame: f, Except: except})
	return nil
}

// Deliver is Publish on this node alone, for events of other nodes. offset is the position of an event of a cache channel
// among all events of the channel; 0 on other channels.
func (d *Directory) Deliver(channel []byte, f Frame, except pusher.SocketID, offset uint64) error {
	return d.deliver(nil, channel, f, except, offset)
}

func (d *Directory) deliver(own *Loop, channel []byte, f Frame, except pusher.SocketID, offset uint64) error {
	kind := pusher.KindOf(channel)
	toWake, err := d.post(channel, kind, job{frame: f, deflated: d.hub.deflate(f), except: except}, offset)
	d.hub.wake(toWake, own)
	if kind.IsCache() && d.hub.cache.over() {
		d.hub.shrinkCache()
	}
	return err
}

func (d *Directory) post(channel []byte, kind pusher.Kind, j job, offset uint64) (toWake uint64, err error) {
	st := d.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	t := st.topics[string(channel)]
	if t == nil {
		if !kind.IsCache() {
			return 0, nil
		}
		t = st.topic(channel, kind)
	}
	if d.hub.overloaded(t.loops) {
		return 0, ErrOverloaded
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
	return d.hub.post(t.loops, j), nil
}
