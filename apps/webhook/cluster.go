package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"reverbd/broadcast"
)

// On one of several nodes the Dispatcher reads an outbox: what it sends comes from streams, one for each URL of each application, as far as this
// node owns them, and stays there until it is done with.

// sealPause is how long it takes until it is tried again to seal a batch.
const sealPause = time.Second

// newQueue has no limit of its own on one of several nodes, where streams have one.
func (d *Dispatcher) newQueue() *queue {
	if d.outbox != nil {
		return newQueue(math.MaxInt)
	}
	return newQueue(d.limit)
}

// streamOf is the name of an endpoint's stream.
func streamOf(n name) string {
	sum := sha256.Sum256([]byte(n.app + "\x00" + n.url))
	return hex.EncodeToString(sum[:8])
}

// stream finds an endpoint by its stream; nil if it is no longer configured. The lock is held.
func (d *Dispatcher) stream(name string) *endpoint {
	for _, e := range d.endpoints {
		if e.stream == name {
			return e
		}
	}
	return nil
}

// Routes implements broadcast.OutboxReader.
func (d *Dispatcher) Routes(app string, kind broadcast.ActivityKind, channel string) (streams []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.apps[app] {
		if e.hook.covers(Kind(kind), channel) {
			streams = append(streams, e.stream)
		}
	}
	return streams
}

// Streams implements broadcast.OutboxReader.
func (d *Dispatcher) Streams() (streams []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return nil
	}
	for _, e := range d.endpoints {
		streams = append(streams, e.stream)
	}
	return streams
}

// Own implements broadcast.OutboxReader.
func (d *Dispatcher) Own(stream string, batches []broadcast.OutboxBatch, entries []broadcast.OutboxEntry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.stream(stream)
	if e == nil || d.ended {
		return
	}
	e.owned = true
	e.ctx, e.cancel = context.WithCancel(context.Background())
	byID := make(map[string]*broadcast.OutboxEntry, len(entries))
	for n := range entries {
		byID[entries[n].ID] = &entries[n]
	}
	for _, known := range batches {
		b := &Batch{ID: known.ID, First: known.First, sealed: true}
		for _, id := range known.Entries {
			if entry := byID[id]; entry != nil {
				b.Items = append(b.Items, itemOf(e.hook, entry))
				delete(byID, id)
			}
		}
		d.again(e, b)
	}
	d.deliver(e, slices.DeleteFunc(entries, func(entry broadcast.OutboxEntry) bool { return byID[entry.ID] == nil }))
}

// again sends a batch that was on its way already.
func (d *Dispatcher) again(e *endpoint, b *Batch) {
	if len(b.Items) == 0 || e.stopped {
		d.settle(e, b.ID, b.Items)
		return
	}
	e.queue.depart(b.Items)
	for _, i := range b.Items {
		e.queue.bytes += i.size()
	}
	e.flying = append(e.flying, b)
	d.start(flight{e, b})
}

// Deliver implements broadcast.OutboxReader.
func (d *Dispatcher) Deliver(stream string, entries []broadcast.OutboxEntry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.stream(stream); e != nil && e.owned {
		d.deliver(e, entries)
	}
}

// deliver takes in entries of an endpoint's stream.
func (d *Dispatcher) deliver(e *endpoint, entries []broadcast.OutboxEntry) {
	for n := range entries {
		i := itemOf(e.hook, &entries[n])
		if e.stopped || i.Kind >= kindCount || !e.hook.covers(i.Kind, i.Channel) {
			d.settle(e, "", []*Item{i})
			continue
		}
		e.queue.push(i)
	}
	d.forgo(e)
	d.ring()
}

func itemOf(h *Hook, entry *broadcast.OutboxEntry) *Item {
	ev := eventOf(&entry.Activity, entry.At)
	return newItem(entry.ID, h, &ev, ev.Append(nil))
}

// Full implements broadcast.OutboxReader.
func (d *Dispatcher) Full(stream string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.stream(stream)
	return e == nil || e.queue.bytes > d.limit/2
}

// Disown implements broadcast.OutboxReader.
func (d *Dispatcher) Disown(stream string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.stream(stream)
	if e == nil || !e.owned {
		return
	}
	e.cancel()
	e.owned, e.flying, e.queue = false, nil, d.newQueue()
}

// seal has a batch keep its id should another node have to send it again. It returns false if this node is not to send it.
func (d *Dispatcher) seal(ctx context.Context, e *endpoint, b *Batch) bool {
	if d.outbox == nil || b.sealed {
		return true
	}
	for {
		err := d.outbox.Seal(e.stream, broadcast.OutboxBatch{ID: b.ID, First: b.First, Entries: refs(b.Items)})
		if err == nil {
			return ctx.Err() == nil
		}
		select {
		case <-time.After(sealPause): // the lease may be renewed, or end
		case <-ctx.Done():
			return false
		}
	}
}

// settle takes what is done with out of the outbox.
func (d *Dispatcher) settle(e *endpoint, batch string, items []*Item) {
	if d.outbox != nil {
		d.outbox.Settle(e.stream, batch, refs(items))
	}
}
