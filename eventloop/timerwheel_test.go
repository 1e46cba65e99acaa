package eventloop

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// tickWheel fires the timers of the next tick, as loop.fireTimer does step by step.
func tickWheel(w *timerWheel, fire func(*conn) time.Duration) {
	w.advance()
	for c := w.due(); c != nil; c = w.due() {
		if d := fire(c); c.state != stateClosed && !c.scheduled {
			w.schedule(c, d)
		}
	}
}

// all is every connection on the wheel.
func (w *timerWheel) all() (conns []*conn) {
	for i := range w.slots {
		for c := w.slots[i].first; c != nil; c = c.next {
			conns = append(conns, c)
		}
	}
	return conns
}

func TestWheelFiresInTime(t *testing.T) {
	for _, tc := range []struct {
		name  string
		start int // the current slot
		wait  time.Duration
		ticks int
	}{
		{"nothing is the next tick", 0, 0, 1},
		{"less than nothing is the next tick", 0, -time.Hour, 1},
		{"a little is the next tick", 0, 1, 1},
		{"one tick", 0, tick, 1},
		{"a little more is two ticks", 0, tick + 1, 2},
		{"ten seconds", 0, 10 * time.Second, 50},
		{"as far as the wheel reaches", 0, (wheelSlots - 1) * tick, wheelSlots - 1},
		{"further than the wheel reaches", 0, wheelSlots * tick, wheelSlots - 1},
		{"an hour", 0, time.Hour, wheelSlots - 1},
		{"across the seam", wheelSlots - 2, 5 * tick, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, c := &timerWheel{current: tc.start}, &conn{}
			w.schedule(c, tc.wait)
			for n := 1; ; n++ {
				fired := false
				tickWheel(w, func(*conn) time.Duration {
					fired = true
					c.state = stateClosed
					return 0
				})
				if fired {
					if n != tc.ticks {
						t.Errorf("fired after %d ticks, want %d", n, tc.ticks)
					}
					break
				}
				if n > wheelSlots {
					t.Fatal("never fired")
				}
			}
			if c.scheduled {
				t.Error("a closed connection was scheduled again")
			}
		})
	}
}

func TestWheelSchedulesAgain(t *testing.T) {
	w, c := &timerWheel{}, &conn{}
	w.schedule(c, tick)
	var at []int
	for n := 1; n <= 10; n++ {
		tickWheel(w, func(*conn) time.Duration {
			at = append(at, n)
			return 3 * tick
		})
	}
	if want := []int{1, 4, 7, 10}; !slices.Equal(at, want) {
		t.Errorf("fired in ticks %v, want %v", at, want)
	}
}

func TestWheelKeepsWhatTheTimerScheduled(t *testing.T) {
	w, c := &timerWheel{}, &conn{}
	w.schedule(c, tick)
	tickWheel(w, func(c *conn) time.Duration {
		w.schedule(c, 7*tick)
		return tick
	})
	if !c.scheduled || c.slot != 8 {
		t.Errorf("scheduled %v in slot %d, want slot 8", c.scheduled, c.slot)
	}
}

// A timer may close any connection, also one whose timer is due in the same tick.
func TestWheelSurvivesTimersThatCloseOthers(t *testing.T) {
	w := &timerWheel{}
	all := make([]*conn, 100)
	for i := range all {
		all[i] = &conn{}
		w.schedule(all[i], tick)
	}
	fired := 0
	tickWheel(w, func(c *conn) time.Duration {
		fired++
		for i, other := range all {
			if other != c && other.scheduled && i%2 == 0 {
				other.state = stateClosed
				w.cancel(other)
			}
		}
		return tick
	})
	if fired != 51 && fired != 50 {
		t.Errorf("%d timers have fired, want those that were not closed before", fired)
	}
	if left := len(w.all()); left != fired {
		t.Errorf("%d on the wheel, want the %d that live", left, fired)
	}
}

// TestWheelModel compares the wheel with a map from connection to the tick in which it is due.
func TestWheelModel(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		w, now := &timerWheel{current: random.IntN(wheelSlots)}, 0
		due := map[*conn]int{}
		conns := make([]*conn, 200)
		for i := range conns {
			conns[i] = &conn{}
		}
		ticksOf := func(d time.Duration) int {
			return min(max(int((d+tick-1)/tick), 1), wheelSlots-1)
		}
		some := func() time.Duration { return time.Duration(random.Int64N(int64(150 * time.Second))) }
		for range 5000 {
			c := conns[random.IntN(len(conns))]
			switch random.IntN(4) {
			case 0:
				if !c.scheduled {
					d := some()
					w.schedule(c, d)
					due[c] = now + ticksOf(d)
				}
			case 1:
				w.cancel(c)
				delete(due, c)
			default:
				now++
				want := map[*conn]bool{}
				for c, at := range due {
					if at == now {
						want[c] = true
					}
				}
				tickWheel(w, func(c *conn) time.Duration {
					if !want[c] {
						t.Fatalf("seed %d: fired in tick %d, due in %d", seed, now, due[c])
					}
					delete(want, c)
					d := some()
					due[c] = now + ticksOf(d)
					return d
				})
				if len(want) > 0 {
					t.Fatalf("seed %d: %d timers have not fired in tick %d", seed, len(want), now)
				}
			}
		}
		all := w.all()
		for _, c := range all {
			if _, ok := due[c]; !ok {
				t.Fatal("on the wheel without being due")
			}
		}
		if len(all) != len(due) {
			t.Fatalf("seed %d: %d on the wheel, want %d", seed, len(all), len(due))
		}
	}
}

// A loop that was held up catches up, by one round of the wheel at most.
func TestTicksBy(t *testing.T) {
	l, start := &loop{}, time.Unix(1000, 0)
	for _, step := range []struct {
		after time.Duration
		ticks int
	}{
		{0, 1}, {tick / 2, 0}, {tick, 1}, {4*tick + tick/2, 3}, {5 * tick, 1}, {time.Hour, wheelSlots}, {time.Hour + tick, 1},
	} {
		if n := l.ticksBy(start.Add(step.after)); n != step.ticks {
			t.Errorf("after %v: %d ticks, expected %d", step.after, n, step.ticks)
		}
	}
}
