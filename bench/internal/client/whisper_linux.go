package client

import (
	"math"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/msgid"
)

// whispers drives the client events of a fleet. Connections i and i + Layout.Channels of the run are a pair.
type whispers struct {
	timer    *epoll.Timer
	answered bool // every whisper is answered with a whisper
	left     int  // whispers that may still be sent
	schedule latency.Schedule
	senders  []*conn
	sent     int
}

// Answer makes every pair exchange whispers: one client begins, and each answers every whisper that it receives. It ends with
// StopWhispers or after most whispers (0 is no limit).
func (f *Fleet) Answer(most int) {
	f.poller.Call(func() {
		f.startWhispers(most)
		f.whispers.answered = true
		for _, c := range f.whispers.senders {
			c.answer()
		}
	})
}

// Whisper sends perSecond whispers a second in all, from the first client of every pair in turn. It ends with StopWhispers or after
// most whispers (0 is no limit).
func (f *Fleet) Whisper(most int, perSecond float64) {
	f.poller.Call(func() {
		f.startWhispers(most)
		f.whispers.schedule = latency.NewSchedule(clock.Now(), perSecond)
		f.whisperDue()
	})
}

// StopWhispers stops Answer or Whisper. Progress then has the final number of whispers.
func (f *Fleet) StopWhispers() {
	f.poller.Call(func() {
		f.whispers.left = 0
		f.publish()
	})
}

func (f *Fleet) startWhispers(most int) {
	if most == 0 {
		most = math.MaxInt
	}
	w := &f.whispers
	*w = whispers{timer: w.timer, left: most}
	for i := range f.conns {
		if c := &f.conns[i]; c.state == live && int(c.index) < f.options.Layout.Channels {
			w.senders = append(w.senders, c)
		}
	}
}

// whisperDue sends the whispers that are due.
func (f *Fleet) whisperDue() {
	w := &f.whispers
	for w.left > 0 && len(w.senders) > 0 {
		due := w.schedule.Due(w.sent)
		if due > clock.Now() {
			w.timer.Set(due)
			return
		}
		w.senders[w.sent%len(w.senders)].whisper(due)
	}
}

// answer answers a whisper, if Answer runs.
func (c *conn) answer() {
	if w := &c.fleet.whispers; w.answered && w.left > 0 {
		c.whisper(clock.Now())
	}
}

// whisper sends one whisper, which was due at that time.
func (c *conn) whisper(due int64) {
	f := c.fleet
	f.whispers.left--
	f.whispers.sent++
	if c.state != live {
		return
	}
	f.now.sent++
	c.sent++
	channel, _ := f.options.Layout.Of(int(c.index))
	side := int(c.index) / f.options.Layout.Channels
	f.out = f.options.Dialect.AppendWhisper(f.out[:0], channel, msgid.ID{
		Stream: uint32(channel*f.options.Streams.PerChannel + side),
		Seq:    c.sent, Order: c.sent, Time: due,
	})
	c.write(f.out)
}
