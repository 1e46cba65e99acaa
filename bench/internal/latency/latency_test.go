package latency

import (
	"encoding/json"
	"testing"
	"time"
)

const second = int64(time.Second)

func TestSummary(t *testing.T) {
	h := New()
	if got := h.Summary(); got != (Summary{}) {
		t.Errorf("an empty histogram says %+v", got)
	}
	for ms := range int64(1000) {
		h.Record((ms + 1) * int64(time.Millisecond))
	}
	got := h.Summary()
	for name, c := range map[string]struct{ got, want int64 }{
		"p50": {got.P50, 500_000}, "p90": {got.P90, 900_000}, "p99": {got.P99, 990_000},
		"p99.9": {got.P999, 999_000}, "max": {got.Max, 1_000_000}, "mean": {int64(got.Mean), 500_500},
	} {
		if off := float64(c.got)/float64(c.want) - 1; off < -0.001 || off > 0.001 {
			t.Errorf("%s is %d us, want %d within 0.1 %%", name, c.got, c.want)
		}
	}
}

func TestRecordBounds(t *testing.T) {
	h := New()
	for _, ns := range []int64{-5, 0, 499, 1499} {
		h.Record(ns)
	}
	if s := h.Summary(); s.Max != 1 || s.Count != 4 {
		t.Errorf("after what is about a microsecond or less: %+v", s)
	}
	h.Record(1 << 62)
	if s := h.Summary(); s.Count != 5 || s.Max < highest {
		t.Errorf("after what is more than an hour: %+v", s)
	}
}

func TestMarshal(t *testing.T) {
	h := New()
	for n := range int64(5000) {
		h.Record(n * n * 1000)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back Histogram
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if got, want := back.Summary(), h.Summary(); got != want {
		t.Errorf("%+v became %+v", want, got)
	}
	back.Merge(h)
	if got := back.Summary().Count; got != 10_000 {
		t.Errorf("merged with itself it counts %d", got)
	}
	if err := back.UnmarshalText([]byte("nonsense")); err == nil {
		t.Error("nonsense was decoded")
	}
}

func TestScheduleDoesNotDrift(t *testing.T) {
	s := NewSchedule(7, 3) // a third of a second is no whole number of nanoseconds
	if got := s.Due(0); got != 7 {
		t.Errorf("the first is due at %d", got)
	}
	if got, want := s.Due(3_000_000), 7+1_000_000*second; got != want {
		t.Errorf("after a million seconds: due at %d, want %d", got, want)
	}
}

// TestAStallIsChargedToAllThatWaited plays a server that answers in 1 ms but stalls once for a second, asked 100 times a
// second by one client that waits for each answer. Counted from the sending, one answer in 1,000 is slow; counted from
// when each was due, it is one in ten, which is what users would have felt.
func TestAStallIsChargedToAllThatWaited(t *testing.T) {
	const stalled, events = 300, 1000
	service := func(n int) int64 {
		if n == stalled {
			return second
		}
		return second / 1000
	}
	schedule := NewSchedule(0, 100)
	due, sent := New(), New()
	now := int64(0)
	for n := range events {
		now = max(now, schedule.Due(n))
		begin := now
		now += service(n)
		sent.Record(now - begin)
		due.Record(now - schedule.Due(n))
	}
	slow := func(h *Histogram) (n int64) {
		for _, b := range h.Bars() {
			if b.From >= 5*time.Millisecond {
				n += b.Count
			}
		}
		return n
	}
	if got := slow(sent); got != 1 {
		t.Errorf("from the sending %d were slow, want the 1 that was in service", got)
	}
	if got := slow(due); got < 100 || got > 120 { // the 100 of that second, and those behind them in the queue
		t.Errorf("from when they were due %d were slow, want about 110", got)
	}
}
