package webhook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"reverbd/broadcast"
)

// How one process hands its webhooks over to the one that takes its place: what waits and who is there, as records; a mark; and then
// whatever happens to the connections that the old process still has. Who was there is gone if he does not come back to the new process.

// leaving is what a process that is about to end does not tell any longer: that its channels lose their subscribers.
type leaving struct {
	channels map[[2]string]bool // by app and name
	all      bool
}

func (l *leaving) mark(app, channel string) {
	if l.channels == nil {
		l.channels = make(map[[2]string]bool)
	}
	l.channels[[2]string{app, channel}] = true
}

// covers reports that an event is what becomes of a channel whose subscribers are on their way to another process.
func (l *leaving) covers(p *posted) bool {
	switch p.event.Kind {
	case ChannelOccupied, ChannelVacated, MemberAdded, MemberRemoved, SubscriptionCount:
		return l.all || l.channels[[2]string{p.app, p.event.Channel}]
	}
	return false
}

// Leave is given what broadcast.Directory.Present has, by a process that is about to end: what is there has left if it does not come back to
// the next process. From then on nothing is told of who comes and goes. LeaveAll says that everything has been given.
func (d *Dispatcher) Leave(a broadcast.Activity) {
	k, departs := Kind(a.Kind).partner()
	if !departs {
		return
	}
	e := Event{Kind: k, Channel: a.Channel, User: a.User, At: time.Now().Add(returnTime - holdTime)}
	if d.intake.add(posted{app: a.App, event: e, leave: true}) {
		d.ring()
	}
}

// LeaveAll ends what Leave has begun.
func (d *Dispatcher) LeaveAll() {
	d.turn(time.Now())
	d.mu.Lock()
	d.leaving.all = true
	d.mu.Unlock()
}

// heir is the process that takes over. Guarded by the Dispatcher's lock.
type heir struct {
	w   io.Writer
	err error // of the first write that failed
}

func (h *heir) write(r record) {
	if h.err == nil {
		h.err = json.NewEncoder(h.w).Encode(r)
	}
}

func (h *heir) item(e *endpoint, i *Item) {
	n := e.name()
	h.write(record{App: n.app, URL: n.url, Item: recordOf(i)})
}

func (h *heir) batch(e *endpoint, b *Batch) {
	for _, i := range b.Items {
		h.item(e, i)
	}
	n := e.name()
	h.write(record{App: n.app, URL: n.url, Batch: &batchRecord{b.ID, b.First, refs(b.Items)}})
}

// HandOver ends the sending, writes what has yet to be told for TakeOver, and from then on whatever else is reported, until Close. Attempts that
// are under way are waited for until ctx is done.
func (d *Dispatcher) HandOver(ctx context.Context, w io.Writer) error {
	d.stop(ctx)
	d.turn(time.Now())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.journal.close() // the new process opens it when it has read the mark
	d.journal = nil
	buffered := bufio.NewWriter(w)
	h := &heir{w: buffered}
	d.records(h.write)
	h.write(record{Mark: true})
	if h.err == nil {
		h.err = buffered.Flush()
	}
	if h.err != nil {
		return fmt.Errorf("webhook: handing over: %w", h.err)
	}
	h.w = w
	d.heir = h
	return nil
}

// TakeOver reads what HandOver writes, until the end of r. What comes in must be paused, and is resumed as soon as all is known. dir is
// Keep's, "" for none: it has the same, should the old process not come to the end of it.
func (d *Dispatcher) TakeOver(r io.Reader, dir string) error {
	var s saved
	lines := bufio.NewReader(r)
	marked, err := false, error(nil)
	for !marked && err == nil {
		marked, err = s.line(lines)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("webhook: the former process has not told all that it knew")
	}
	if marked || dir == "" {
		d.mu.Lock()
		d.restore(&s, time.Now())
		d.mu.Unlock()
	}
	if dir != "" {
		err = errors.Join(err, d.keep(dir, marked))
	}
	d.Resume()
	if err != nil {
		return err
	}
	return d.follow(lines)
}

// follow takes in what is reported to the former process.
func (d *Dispatcher) follow(lines *bufio.Reader) error {
	for {
		var s saved
		_, err := s.line(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		d.mu.Lock()
		d.restore(&s, time.Now())
		d.mu.Unlock()
		d.ring()
	}
}
