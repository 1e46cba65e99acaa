package webhook

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
)

// Options say how webhooks are sent.
type Options struct {
	Client     *http.Client     // see Client
	QueueBytes int              // that may wait for each URL; 0 is 16 MiB
	Outbox     broadcast.Outbox // of a cluster; nil: this node tells what it sees
	Log        *zap.Logger      // nil: no log
}

const defaultQueueBytes = 16 << 20

// Stats are what has become of events, each counted once for every URL that is told of it, since the start.
type Stats struct {
	Waiting int64 // bytes, of what is on its way too
	Sent    int64
	Failed  int64 // attempts
	Dropped int64 // for want of room, or since nobody took them for five minutes or wanted them any longer
}

// Dispatcher sends webhooks. All methods are safe for concurrent use.
type Dispatcher struct {
	client *http.Client
	limit  int
	outbox broadcast.Outbox
	log    *zap.Logger
	intake intake

	wake    chan struct{}
	end     chan struct{} // closed by Close
	running sync.WaitGroup
	flights sync.WaitGroup
	ctx     context.Context // of all attempts
	cut     context.CancelFunc

	mu        sync.Mutex // guards all below
	apps      map[string][]*endpoint
	endpoints []*endpoint
	started   bool
	paused    bool // what comes in waits: see Pause
	hurried   bool // everything goes at once
	ended     bool // nothing is sent any more
	closed    bool
	leaving   leaving
	heir      *heir // takes what comes in from now on; nil: this process does
	stats     Stats
	refs      uint64   // given to items so far
	journal   *journal // nil: what waits is lost with the process
	trouble   throttled
}

// New returns a Dispatcher that has nobody to tell anything: see Configure.
func New(o Options) *Dispatcher {
	if o.QueueBytes <= 0 {
		o.QueueBytes = defaultQueueBytes
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	ctx, cut := context.WithCancel(context.Background())
	return &Dispatcher{
		ctx: ctx, cut: cut, client: o.Client, limit: o.QueueBytes, outbox: o.Outbox, log: o.Log, apps: make(map[string][]*endpoint), intake: intake{limit: o.QueueBytes},
		wake: make(chan struct{}, 1), end: make(chan struct{}),
	}
}

// Configure says whom to tell. An endpoint that stays keeps what waits for it; what waits for one that is gone is dropped. One that
// answered 410 is told again from now on.
func (d *Dispatcher) Configure(apps []App) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := make(map[name]*endpoint, len(d.endpoints))
	for _, e := range d.endpoints {
		old[e.name()] = e
	}
	d.apps, d.endpoints = make(map[string][]*endpoint, len(apps)), nil
	for n := range apps {
		app := &apps[n]
		for h := range app.Hooks {
			e := old[name{app.ID, app.Hooks[h].URL}]
			if e == nil {
				e = &endpoint{queue: d.newQueue()}
				e.ctx, e.cancel = context.WithCancel(context.Background())
			}
			e.app, e.hook, e.stopped = app, &app.Hooks[h], false
			e.stream = streamOf(e.name())
			delete(old, e.name())
			d.endpoints = append(d.endpoints, e)
			d.apps[app.ID] = append(d.apps[app.ID], e)
		}
	}
	for _, e := range old {
		d.forget(e)
	}
	if len(d.endpoints) > 0 && !d.started && !d.ended {
		d.started = true
		d.running.Go(d.run)
	}
	d.ring()
}

// forget drops an endpoint that is no longer configured.
func (d *Dispatcher) forget(e *endpoint) {
	e.cancel()
	if n := d.empty(e); n > 0 {
		d.log.Info("a URL of webhooks is gone from the configuration, and with it what waited for it", append(e.fields(), zap.Int("events", n))...)
	}
}

// empty drops what waits for an endpoint.
func (d *Dispatcher) empty(e *endpoint) (n int) {
	waiting := e.queue.waiting()
	d.journal.gone(e.name(), waiting)
	d.settle(e, "", waiting)
	n = len(waiting)
	flights, busy := e.queue.flights, e.queue.busy
	e.queue = d.newQueue()
	e.queue.flights, e.queue.busy = flights, busy
	for _, b := range e.flying {
		for _, i := range b.Items {
			e.queue.bytes += i.size()
		}
	}
	d.stats.Dropped += int64(n)
	return n
}

// Push reports an event of an app. It neither blocks nor fails: what there is no room for is dropped and counted. It keeps e.Data.
func (d *Dispatcher) Push(app string, e Event) {
	if d.intake.add(posted{app: app, event: e}) {
		d.ring()
	}
}

func (d *Dispatcher) ring() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run is the goroutine that makes batches of what comes in.
func (d *Dispatcher) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-d.wake:
		case <-d.end:
			return
		}
		if at, ok := d.turn(time.Now()); ok {
			timer.Reset(max(time.Until(at), time.Millisecond))
		} else {
			timer.Stop()
		}
	}
}

// turn takes in what has come, and sends what is due. It returns when it has to be called again, if only time has to pass until then.
func (d *Dispatcher) turn(now time.Time) (next time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paused {
		return next, false
	}
	posted, lost := d.intake.take()
	if lost > 0 {
		d.stats.Dropped += int64(lost)
		d.log.Warn("events for webhooks come faster than they can be sorted", zap.Int("dropped", lost))
	}
	for n := range posted {
		d.accept(&posted[n], now)
	}
	var due []flight
	for _, e := range d.endpoints {
		due = append(due, d.board(e, now)...)
		if at, some := e.queue.next(); some && !e.stopped && (!ok || at.Before(next)) {
			next, ok = at, true
		}
	}
	d.record() // what is on its way is known to be, before it is
	for _, f := range due {
		d.start(f)
	}
	return next, ok
}

// flight is a batch on its way to an endpoint.
type flight struct {
	endpoint *endpoint
	batch    *Batch
}

// accept takes an event in.
func (d *Dispatcher) accept(p *posted, now time.Time) {
	switch {
	case p.leave:
		d.leaving.mark(p.app, p.event.Channel)
	case d.leaving.covers(p):
		return
	}
	d.sort(p.app, &p.event, now)
}

// sort puts an event into the queues of those who are told of it.
func (d *Dispatcher) sort(app string, ev *Event, now time.Time) {
	d.journal.presence(app, ev)
	var text []byte
	for _, e := range d.apps[app] {
		if e.stopped || !e.hook.covers(ev.Kind, ev.Channel) {
			continue
		}
		if text == nil {
			text = ev.Append(nil)
		}
		d.refs++
		d.enqueue(e, newItem(formatRef(d.refs), e.hook, ev, text), now)
	}
}

func newItem(ref string, h *Hook, ev *Event, text []byte) *Item {
	i := &Item{
		Ref: ref, Kind: ev.Kind, Channel: ev.Channel, User: ev.User, Lane: ev.lane(), Text: text, Due: ev.At, Mute: !h.Wants(ev.Kind, ev.Channel),
	}
	if ev.Kind.departs() {
		i.Due = ev.At.Add(holdTime)
	}
	return i
}

func (d *Dispatcher) enqueue(e *endpoint, i *Item, now time.Time) {
	if d.heir != nil {
		d.heir.item(e, i)
		return
	}
	if !e.queue.push(i) {
		d.drop(e, 1, "its queue is full", now)
		return
	}
	d.journal.item(e.name(), i)
}

// drop counts and tells what is lost.
func (d *Dispatcher) drop(e *endpoint, n int, why string, now time.Time) {
	d.stats.Dropped += int64(n)
	if tell := e.dropped.add(n, now); tell > 0 {
		d.log.Warn("events for a webhook are dropped", append(e.fields(), zap.Int64("events", tell), zap.String("because", why))...)
	}
}

// board takes the batches that are due off the queue.
func (d *Dispatcher) board(e *endpoint, now time.Time) (due []flight) {
	if e.stopped || d.ended || d.outbox != nil && !e.owned {
		return nil
	}
	for items := e.queue.take(now, d.hurried); items != nil; items = e.queue.take(now, d.hurried) {
		b := &Batch{ID: newID(), Items: items, First: now}
		e.flying = append(e.flying, b)
		d.journal.batch(e.name(), b)
		due = append(due, flight{e, b})
	}
	d.forgo(e)
	return due
}

// forgo notes what is not told after all.
func (d *Dispatcher) forgo(e *endpoint) {
	if gone := e.queue.gone; len(gone) > 0 {
		e.queue.gone = nil
		d.journal.gone(e.name(), gone)
		d.settle(e, "", gone)
	}
}

// start has a batch fly that has left the queue.
func (d *Dispatcher) start(f flight) {
	d.flights.Go(func() { d.landed(f.endpoint, f.batch, d.fly(f.endpoint, f.batch)) })
}

// landed is called when a flight is over.
func (d *Dispatcher) landed(e *endpoint, b *Batch, o outcome) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if o == abandoned {
		return // it is kept for Save
	}
	defer d.record()
	d.journal.done(e.name(), b)
	d.settle(e, b.ID, b.Items)
	if !slices.Contains(e.flying, b) {
		return // another node has taken it over
	}
	e.flying = slices.DeleteFunc(e.flying, func(other *Batch) bool { return other == b })
	e.queue.land(b.Items)
	switch o {
	case taken:
		d.stats.Sent += int64(len(b.Items))
	case refused:
		d.drop(e, len(b.Items), "nobody has taken them for five minutes", now)
	case unwanted:
		d.stats.Dropped += int64(len(b.Items))
		if !e.stopped {
			e.stopped = true
			n := d.empty(e)
			d.log.Warn("a webhook answered 410 and is not called until the configuration is read again",
				append(e.fields(), zap.Int("events dropped", n+len(b.Items)))...)
		}
	}
	d.ring()
}

// newID makes the id of a batch.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// Stats returns the counters.
func (d *Dispatcher) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	for _, e := range d.endpoints {
		s.Waiting += int64(e.queue.bytes)
	}
	return s
}

// Flush sends everything at once, departures too that are not certain yet, and returns when nothing is left, or ctx is done. It is for a process
// that ends with nobody to go on.
func (d *Dispatcher) Flush(ctx context.Context) {
	now := time.Now()
	d.turn(now)
	d.mu.Lock()
	d.hurried = true
	for _, e := range d.endpoints {
		e.queue.ripen(now.Add(returnTime + time.Second))
	}
	d.mu.Unlock()
	d.ring()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !d.idle() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return
		}
	}
}

func (d *Dispatcher) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.intake.none() {
		return false
	}
	for _, e := range d.endpoints {
		if !e.stopped && len(e.queue.ready)+len(e.flying) > 0 {
			return false
		}
	}
	return true
}

// Close ends the sending, with attempts that are under way given until ctx is done. What has not been taken by then is lost, unless Save is
// called for it afterwards.
func (d *Dispatcher) Close(ctx context.Context) {
	d.stop(ctx)
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.end)
	}
	d.mu.Unlock()
	d.running.Wait()
	d.turn(time.Now()) // what has come in is sorted, and so can be saved
}

// stop ends the sending, with attempts that are under way given until ctx is done.
func (d *Dispatcher) stop(ctx context.Context) {
	d.Resume()
	d.mu.Lock()
	d.ended = true
	for _, e := range d.endpoints {
		e.cancel()
	}
	d.mu.Unlock()
	cut := context.AfterFunc(ctx, d.cut)
	d.flights.Wait()
	cut()
	d.cut()
	d.client.CloseIdleConnections()
}

// Pause has all that comes in wait, until Resume: a process that is about to take over learns first what the one before has yet to tell.
func (d *Dispatcher) Pause() { d.pause(true) }

// Resume is the opposite of Pause.
func (d *Dispatcher) Resume() { d.pause(false) }

func (d *Dispatcher) pause(on bool) {
	d.mu.Lock()
	d.paused = on
	d.mu.Unlock()
	d.ring()
}
