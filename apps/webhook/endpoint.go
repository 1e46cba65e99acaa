package webhook

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// How long it is tried to send a batch, and the pauses between attempts: each is twice as long as the one before.
const (
	giveUpTime = 5 * time.Minute
	firstPause = time.Second
	lastPause  = time.Minute
)

// endpoint is one URL of an application with what it has yet to be told. Guarded by the Dispatcher's lock, but for fly.
type endpoint struct {
	app     *App
	hook    *Hook
	queue   *queue
	flying  []*Batch        // on their way, in the order in which they left
	stream  string          // of an outbox
	owned   bool            // by this node, so that it sends what is in the stream
	stopped bool            // it answered 410: nothing is sent until the configuration is read again
	failing bool            // the last attempt failed, which has been told
	ctx     context.Context // done: no further attempt is made
	cancel  context.CancelFunc

	dropped throttled
}

// name is an endpoint's: each URL is there once in an application.
type name struct{ app, url string }

func (e *endpoint) name() name { return name{e.app.ID, e.hook.URL} }

// outcome is how the flight of a batch has ended.
type outcome int

const (
	taken     outcome = iota
	refused           // nobody has taken it for giveUpTime
	unwanted          // 410: the URL wants nothing any longer
	abandoned         // this process sends no more
)

// fly sends a batch until it is taken, or there is no point in it any longer.
func (d *Dispatcher) fly(e *endpoint, b *Batch) outcome {
	d.mu.Lock()
	ctx := e.ctx // another one is made when the stream is owned again
	d.mu.Unlock()
	if !d.seal(ctx, e, b) {
		return abandoned
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		app, hook := d.current(e)
		answer, err := attempt(d.ctx, d.client, app, hook, b)
		switch {
		case err == nil && answer.Taken():
			d.recovered(e)
			return taken
		case err == nil && answer.Status == http.StatusGone:
			return unwanted
		case d.ctx.Err() != nil:
			return abandoned
		}
		d.failed(e, answer.Status, err)
		if time.Since(b.First) >= giveUpTime {
			return refused
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-ctx.Done():
			return abandoned
		}
	}
}

// current is what an endpoint is configured to be now.
func (d *Dispatcher) current(e *endpoint) (*App, *Hook) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return e.app, e.hook
}

// failed tells the first of several failures.
func (d *Dispatcher) failed(e *endpoint, status int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Failed++
	if e.failing {
		return
	}
	e.failing = true
	fields := append(e.fields(), zap.Error(err))
	if err == nil {
		fields = append(e.fields(), zap.Int("status", status))
	}
	d.log.Warn("webhooks are not taken; each is tried again for five minutes", fields...)
}

// recovered tells that there is an end to failures.
func (d *Dispatcher) recovered(e *endpoint) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.failing {
		e.failing = false
		d.log.Info("webhooks are taken again", e.fields()...)
	}
}

func (e *endpoint) fields() []zap.Field {
	return []zap.Field{zap.String("app", e.app.ID), zap.String("url", shown(e.hook.URL))}
}

// throttled counts what is told once in a while.
type throttled struct {
	count int64 // since it was last told
	last  time.Time
}

const throttleTime = 10 * time.Second

// add counts, and returns the count to tell, or 0.
func (t *throttled) add(n int, now time.Time) (tell int64) {
	t.count += int64(n)
	if !t.last.IsZero() && now.Sub(t.last) < throttleTime {
		return 0
	}
	tell, t.count, t.last = t.count, 0, now
	return tell
}
