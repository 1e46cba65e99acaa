package bench

import (
	"context"

	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/report"
)

// total is how many clients a run has.
func (r *run) total() int { return r.options.Connections + r.options.Guests + r.options.Slow }

// room is what clients say in a presence channel, nil if the scenario has none.
func (r *run) room(s *subject) dialect.Room {
	if r.options.Guests == 0 {
		return nil
	}
	room, _ := s.dialect().(dialect.Room) // the floor has none, and is not asked for
	return room
}

// visit has the guests join and leave the presence channel. Every member must see that, once and in the same order.
func (m *measurement) visit(ctx context.Context) {
	o := m.options
	m.fleet.Visit(o.Events, o.Rate)
	limit, cancel := timeLimit(ctx, o.Duration)
	defer cancel()
	m.await(limit, m.subject.name+": joining and leaving", o.Events, func() (int, bool) {
		p := m.fleet.Progress()
		return p.Delivered, o.Events > 0 && p.Sent >= o.Events
	})
	m.fleet.StopVisits()
	s := m.result.Messages
	s.Published = m.fleet.Progress().Sent
	s.Expected = s.Published * o.Connections // guests are not asked what they see
}

// visited tells what the visits have shown.
func (m *measurement) visited() {
	v := m.fleet.Visits()
	m.result.Detail("joins", report.Count, float64(v.Joins))
	m.result.Detail("leaves", report.Count, float64(v.Leaves))
	m.result.Detail("wrong counts on joining", report.Fault, float64(v.WrongCounts))
	m.result.Detail("members with a wrong roster", report.Fault, float64(v.WrongRosters))
}
