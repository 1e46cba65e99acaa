package epoll

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Handler handles a descriptor that may be ready. The poller's goroutine calls it, sometimes spuriously. Polling is edge-triggered:
// it is not called again until something changes, so it must read until the socket is empty.
type Handler interface {
	Ready(events uint32)
}

// interest is the events that all descriptors are watched for. With edge-triggered polling they need not change when output begins
// or ceases to wait.
const interest = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// Poller is one event loop. Do, Call and Stop are safe for concurrent use; the other methods may be called before Run, and then only
// on the goroutine of Run.
type Poller struct {
	// AfterBatch, if set, is called after each batch of events.
	AfterBatch func()

	fd         int
	watched    []watch // by descriptor
	generation int32
	events     [512]unix.EpollEvent
	stopped    bool

	wake   int // eventfd
	mu     sync.Mutex
	tasks  []func() // guarded by mu
	closed bool     // guarded by mu
}

// watch is the handler of a descriptor. The generation distinguishes its events from pending events of a closed descriptor that had
// the same number.
type watch struct {
	handler    Handler
	generation int32
}

// New returns a Poller, which holds two descriptors until Close.
func New() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("epoll: eventfd: %w", err)
	}
	p := &Poller{fd: fd, wake: wake}
	if err := p.Add(wake, tasks{p}); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close closes the poller's own descriptors. Run must have returned.
func (p *Poller) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	_ = unix.Close(p.fd)
	_ = unix.Close(p.wake)
}

// Add begins to watch a descriptor.
func (p *Poller) Add(fd int, h Handler) error {
	for len(p.watched) <= fd {
		p.watched = append(p.watched, watch{})
	}
	p.generation++
	p.watched[fd] = watch{h, p.generation}
	event := unix.EpollEvent{Events: interest, Fd: int32(fd), Pad: p.generation}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &event))
}

// Forget stops watching a descriptor. The caller must close it then, which removes it from the kernel's epoll set.
func (p *Poller) Forget(fd int) { p.watched[fd] = watch{} }

// Run handles events until Stop is called.
func (p *Poller) Run() error {
	p.stopped = false
	for !p.stopped {
		n, err := unix.EpollWait(p.fd, p.events[:], -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("epoll_wait", err)
		}
		for i := range max(n, 0) {
			e := &p.events[i]
			if w := p.watched[e.Fd]; w.generation == e.Pad {
				w.handler.Ready(e.Events)
			}
		}
		if p.AfterBatch != nil {
			p.AfterBatch()
		}
	}
	return nil
}
