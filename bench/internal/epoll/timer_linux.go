package epoll

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Timer calls a function on the poller's goroutine at a time, with a precision of about ten microseconds.
type Timer struct {
	poller *Poller
	fd     int
	due    func()
}

// NewTimer returns an unset timer, which holds a descriptor until Close.
func (p *Poller) NewTimer(due func()) (*Timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: timerfd: %w", err)
	}
	t := &Timer{p, fd, due}
	if err := p.Add(fd, t); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return t, nil
}

// Set makes the timer due at a time by clock.Now, at once if that is past. It replaces an earlier time.
func (t *Timer) Set(at int64) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(at, 1))} // 0 would disarm it
	_ = unix.TimerfdSettime(t.fd, unix.TFD_TIMER_ABSTIME, &spec, nil)
}

// Ready implements Handler.
func (t *Timer) Ready(uint32) {
	var count [8]byte
	if n, err := unix.Read(t.fd, count[:]); n == len(count) && err == nil {
		t.due()
	}
}

// Close closes the timer's descriptor.
func (t *Timer) Close() {
	t.poller.Forget(t.fd)
	_ = unix.Close(t.fd)
}
