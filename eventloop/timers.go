package eventloop

import "time"

// trimTicks is how many ticks lie between two trims.
const trimTicks = int(time.Second / tick)

// Run implements broadcast.Task: it is called with every tick.
func (l *loop) Run() {
	l.ticking.Store(false)
	if l.wheel.current%trimTicks == 0 {
		l.shared.Trim()
	}
	now := time.Now()
	l.lastTick.Store(int64(now.Sub(l.server.created)))
	l.countWaiting()
	l.relieve()
	if l.drain != nil {
		l.drain.tick(now)
	}
	l.ticksDue = min(l.ticksDue+l.ticksBy(now), wheelSlots)
	if !l.firing {
		l.firing = true
		l.shared.Walk(l.fireTimer)
	}
}

// fireTimer is a step of the walk over the timers that are due: it fires one of them, or begins the next tick.
func (l *loop) fireTimer() (more bool) {
	if c := l.wheel.due(); c != nil {
		if d := l.fire(c); c.state != stateClosed && !c.scheduled {
			l.wheel.schedule(c, d)
		}
		return true
	}
	if l.ticksDue == 0 {
		l.firing = false
		return false
	}
	l.ticksDue--
	l.wheel.advance()
	return true
}

// fire returns how long the next timer of c may wait.
func (l *loop) fire(c *conn) (wait time.Duration) {
	defer func() {
		if l.server.recovered(recover(), "timer", c) {
			wait = tick
		}
	}()
	return c.timerFired(time.Now())
}

// ticksBy returns how many ticks have passed since it was last called: more than one if the loop was held up, but never more than
// one round of the wheel, in which every timer fires.
func (l *loop) ticksBy(now time.Time) int {
	if l.wheelTime.IsZero() {
		l.wheelTime = now.Add(-tick)
	}
	n := int(now.Sub(l.wheelTime) / tick)
	l.wheelTime = l.wheelTime.Add(time.Duration(n) * tick)
	return min(n, wheelSlots)
}
