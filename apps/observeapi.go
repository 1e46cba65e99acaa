package apps

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// What the API counts, logs and tells the Observer.

func (c *call) begin() {
	if c.api.Timed {
		c.began = time.Now()
	}
}

// end is called when the request has been answered.
func (c *call) end(r reply) {
	t := &c.api.Registry.hub.Unknown
	if c.app != nil {
		t = &c.app.Channels.Tally
	}
	t.Count(c.loop, answer(routeOf(c.parts), r.status), 1)
	if !c.began.IsZero() {
		t.Observe(c.loop, apiTimes, time.Since(c.began))
	}
	if r.status >= 400 && len(c.parts) > 0 && c.parts[0] == "apps" {
		c.logAnswer(r)
	}
	if c.app != nil && c.app.Channels.Reports(broadcast.Answered) {
		a := broadcast.Activity{Kind: broadcast.Answered, Code: r.status, Name: []byte(c.method + " " + c.path)}
		if r.status >= 400 {
			a.Reason = string(r.body)
		}
		c.app.Channels.Observe(a)
	}
}

// observePublished is called when the publications of the call have been accepted.
func (c *call) observePublished() {
	source := EventsAPI
	if len(c.parts) == 3 && c.parts[2] == "batch_events" {
		source = EventsBatch
	}
	d := c.app.Channels
	d.Count(c.loop, source, uint64(len(c.publications)))
	if !d.Reports(broadcast.Published) {
		return
	}
	for i := range c.publications {
		p := &c.publications[i]
		d.Observe(broadcast.Activity{Kind: broadcast.Published, Channel: string(p.Channel), Data: p.Frame.Payload()})
	}
}

// logAnswer logs an answer from 400 on.
func (c *call) logAnswer(r reply) {
	id := ""
	if c.app != nil {
		id = c.app.ID
	}
	if left, ok := c.api.refused.allow(statusIndex(r.status)); ok && c.api.Log != nil {
		c.api.Log.Warn("API request refused", withLeftOut(left, zap.String("app", id), zap.String("request", c.method+" "+c.path),
			zap.Int("status", r.status), zap.ByteString("answer", r.body))...)
	}
}

// Refused counts and logs what was answered with an error before it came to Serve. It is called on the loop.
func (a *API) Refused(loop *broadcast.Loop, client string, status int, reason string) {
	a.Registry.hub.Unknown.Count(loop, answer(len(routes)-1, status), 1)
	left, ok := a.refused.allow(statusIndex(status))
	if !ok || a.Log == nil {
		return
	}
	if status == http.StatusRequestEntityTooLarge {
		reason += " (head and body are over max_request_size; raise REVERB_MAX_REQUEST_SIZE, or publish less in an event)"
	}
	a.Log.Warn("request refused", withLeftOut(left, zap.String("client", client), zap.Int("status", status), zap.String("reason", reason))...)
}

// logRefused logs that a connection is refused.
func (f *Sessions) logRefused(s *Session, e *pusher.Error, app, origin string) {
	if left, ok := f.refused.allow(int(refusal(e) - firstRefusal)); ok && f.Log != nil {
		f.Log.Warn("connection refused", withLeftOut(left, zap.String("app", app), zap.String("client", s.client()),
			zap.Int("code", e.Code), zap.String("reason", s.explain(e, origin)))...)
	}
}

func withLeftOut(n int64, fields ...zap.Field) []zap.Field {
	if n > 0 {
		fields = append(fields, zap.Int64("left out", n))
	}
	return fields
}
