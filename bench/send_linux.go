package bench

import (
	"context"
	"time"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/publish"
	"reverbd/bench/internal/report"
)

// send sends the messages of the scenario, and waits until they have arrived.
func (m *measurement) send(ctx context.Context) (err error) {
	if m.connected, err = m.subject.usage(); err != nil {
		return err
	}
	m.result.Messages = &report.Messages{}
	begun := clock.Now()
	switch {
	case m.scenario.publishes:
		err = m.publish(ctx)
	case m.options.Joiners > 0:
		m.joinAndLeave(ctx)
	default:
		m.whisper(ctx)
	}
	if err != nil {
		return err
	}
	s := m.result.Messages
	m.drain(ctx)
	s.Seconds = time.Duration(clock.Now() - begun).Seconds()
	s.PublishedPerSecond = float64(s.Published) / s.Seconds
	s.DeliveredPerSecond = float64(m.fleet.Progress().Delivered) / s.Seconds
	if m.options.Joiners > 0 {
		m.addPresenceDetails()
	}
	if last := m.fleet.UntilLast(); m.scenario.untilLast && last != nil {
		m.result.Timing("to the last subscriber", last)
	}
	m.after, err = m.subject.usage()
	return err
}

// publish runs the publishers.
func (m *measurement) publish(ctx context.Context) error {
	o := m.options
	publisher, err := publish.New(publish.Options{
		Server: m.subject.addresses[0], Dialect: m.subject.dialect(), Publishers: o.Publishers, Channels: o.Channels,
		Streams: m.scenario.streams(o), Rate: o.Rate, Batch: m.subject.batch, Events: o.Events, Duration: o.Duration,
		NewConnections: o.NewConns,
	})
	if err != nil {
		return err
	}
	type ended struct {
		outcome publish.Outcome
		err     error
	}
	done := make(chan ended, 1)
	go func() {
		outcome, err := publisher.Run(ctx)
		done <- ended{outcome, err}
	}()
	var end *ended
	m.awaitFor(context.WithoutCancel(ctx), noTimeout, m.subject.name+": publishing", o.Events, func() (int, bool) {
		select {
		case e := <-done:
			end = &e
		default:
		}
		return publisher.Accepted(), end != nil
	})
	m.published(end.outcome)
	return end.err
}

// noTimeout is the stall timeout of waits that end by themselves.
const noTimeout = time.Duration(1<<63 - 1)

// published copies the publishers' outcome to the result.
func (m *measurement) published(outcome publish.Outcome) {
	s := m.result.Messages
	s.Published, s.Failed, s.Reasons = outcome.Published(), outcome.Failed, outcome.Reasons
	s.Request = outcome.Latency.Summary()
	layout, streams := m.scenario.layout(m.options), m.scenario.streams(m.options)
	for stream, accepted := range outcome.Accepted {
		s.Expected += int(accepted) * layout.Subscribers(streams.Channel(uint32(stream)), m.options.Connections)
	}
}

// whisper makes the clients send client events.
func (m *measurement) whisper(ctx context.Context) {
	o := m.options
	if o.Rate > 0 {
		m.fleet.Whisper(o.Events, o.Rate)
	} else {
		m.fleet.Answer(o.Events)
	}
	limit, cancel := timeLimit(ctx, o.Duration)
	defer cancel()
	m.await(limit, m.subject.name+": whispering", o.Events, func() (int, bool) {
		p := m.fleet.Progress()
		return p.Delivered, o.Events > 0 && p.Sent >= o.Events
	})
	m.fleet.StopWhispers()
	m.result.Messages.Published = m.fleet.Progress().Sent
	m.result.Messages.Expected = m.result.Messages.Published // each has one receiver
}

// timeLimit returns ctx with a time limit; 0 is no limit.
func timeLimit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d > 0 {
		return context.WithTimeout(ctx, d)
	}
	return context.WithCancel(ctx)
}

// drain waits until the expected messages have arrived.
func (m *measurement) drain(ctx context.Context) {
	wait := m.stallTimeout()
	if ctx.Err() != nil {
		wait = interruptedTimeout
	}
	expected := m.result.Messages.Expected
	m.awaitFor(context.WithoutCancel(ctx), wait, m.subject.name+": receiving", expected, func() (int, bool) {
		delivered := m.fleet.Progress().Delivered
		return delivered, delivered >= expected
	})
}
