package webhook

import (
	"io"
	"time"

	"go.uber.org/zap"
)

// Restore takes over what a former process has saved: what it has not told is told, under the same ids as far as it was tried already.
// Those who were there are gone if they do not come back within returnTime. What comes in meanwhile should be waiting: see Pause.
//
// An error says that there is more, which cannot be read; what comes before it is taken over all the same.
func (d *Dispatcher) Restore(r io.Reader) error {
	var s saved
	err := s.read(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restore(&s, time.Now())
	d.ring()
	return err
}

// restore puts what was saved into the queues of the endpoints that are still there.
func (d *Dispatcher) restore(s *saved, now time.Time) {
	var due []flight
	for _, e := range d.endpoints {
		former := s.endpoints[e.name()]
		if former == nil {
			continue
		}
		for _, b := range former.batches {
			d.renumber(e, b.Items)
			if d.heir != nil {
				d.heir.batch(e, b)
				continue
			}
			e.queue.depart(b.Items)
			for _, i := range b.Items {
				e.queue.bytes += i.size()
			}
			e.flying = append(e.flying, b)
			d.journal.batch(e.name(), b)
			due = append(due, flight{e, b})
		}
		for _, i := range former.items {
			if former.waiting[i.Ref] != i {
				continue
			}
			d.refs++
			i.Ref = formatRef(d.refs)
			if i.Kind.departs() && i.Due.Before(now.Add(returnTime)) {
				i.Due = now.Add(returnTime)
			}
			d.enqueue(e, i, now)
		}
	}
	for p := range s.here {
		d.sort(p.app, p.departure(now), now)
	}
	d.record()
	for _, f := range due {
		d.start(f)
	}
}

// renumber gives the items of a batch new refs.
func (d *Dispatcher) renumber(e *endpoint, items []*Item) {
	for _, i := range items {
		d.refs++
		i.Ref = formatRef(d.refs)
		d.journal.item(e.name(), i)
	}
}

// departure is the event that somebody has left who does not come back in time.
func (p presence) departure(now time.Time) *Event {
	e := &Event{Kind: ChannelVacated, Channel: p.channel, At: now.Add(returnTime - holdTime)}
	if p.member {
		e.Kind, e.User = MemberRemoved, p.user
	}
	return e
}

// Keep has everything that is not told yet written down in the directory, so that it outlives the process however that ends, and takes
// over what is there of a former one. Call it before anything is pushed.
func (d *Dispatcher) Keep(dir string) error { return d.keep(dir, false) }

// keep is Keep; known says that what is there is known already.
func (d *Dispatcher) keep(dir string, known bool) error {
	j, s, err := openJournal(dir)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !known {
		d.restore(s, time.Now())
	}
	d.journal = j
	if err := d.compact(); err != nil {
		d.journal = nil
		j.close()
		return err
	}
	d.ring()
	return nil
}

// record writes down what has changed. It is no reason to stop telling that this fails.
func (d *Dispatcher) record() {
	if d.journal == nil {
		return
	}
	write := d.journal.flush
	if d.journal.grown() {
		write = d.compact
	}
	err := write()
	if err != nil {
		if tell := d.trouble.add(1, time.Now()); tell > 0 {
			d.log.Error("webhooks that wait cannot be written down", zap.Error(err))
		}
	}
}

// compact begins the journal anew with what is known now.
func (d *Dispatcher) compact() error { return d.journal.rewrite(d.records) }
