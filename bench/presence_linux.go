package bench

import (
	"context"

	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/report"
)

// total returns the number of clients of a run.
func (r *run) total() int { return r.options.Connections + r.options.Joiners + r.options.Slow }

// room returns the encoder of the presence scenario, nil in other scenarios.
func (r *run) room(s *subject) dialect.Room {
	if r.options.Joiners == 0 {
		return nil
	}
	room, _ := s.dialect().(dialect.Room) // the scenario has no baseline
	return room
}

// joinAndLeave makes the joiners join and leave the presence channel. Every member must be told of that once, in the same order.
func (m *measurement) joinAndLeave(ctx context.Context) {
	o := m.options
	m.fleet.JoinAndLeave(o.Events, o.Rate)
	limit, cancel := timeLimit(ctx, o.Duration)
	defer cancel()
	m.await(limit, m.subject.name+": joining and leaving", o.Events, func() (int, bool) {
		p := m.fleet.Progress()
		return p.Delivered, o.Events > 0 && p.Sent >= o.Events
	})
	m.fleet.StopJoining()
	s := m.result.Messages
	s.Published = m.fleet.Progress().Sent
	s.Expected = s.Published * o.Connections // what joiners receive does not count
}

// addPresenceDetails adds the details of the scenario presence.
func (m *measurement) addPresenceDetails() {
	v := m.fleet.PresenceResult()
	m.result.Detail("joins", report.Count, float64(v.Joins))
	m.result.Detail("leaves", report.Count, float64(v.Leaves))
	m.result.Detail("wrong counts on joining", report.Fault, float64(v.WrongCounts))
	m.result.Detail("members with a wrong roster", report.Fault, float64(v.WrongRosters))
}
