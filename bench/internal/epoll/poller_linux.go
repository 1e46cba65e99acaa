package epoll

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Handler is told when a descriptor may be ready. It is called by the poller's goroutine, sometimes without a reason, and
// because polling is edge-triggered not again until something changes: it has to read until nothing is left.
type Handler interface {
	Ready(events uint32)
}

// interest is what all descriptors are watched for. Edge-triggered polling needs no call when there is, or is no longer,
// something to be written.
const interest = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// Poller is one event loop. All methods but Do, Call and Stop belong to the goroutine that is in Run, or come before it.
type Poller struct {
	// AfterBatch, if set, is called when all of what was ready has been handled.
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

// watch is who handles a descriptor. The generation tells its events from those of a descriptor that had the number before
// and was closed while they were waiting to be handled.
type watch struct {
	handler    Handler
	generation int32
}

// New returns a Poller that is not running yet. It holds two descriptors until Close.
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

// Close gives the poller's own descriptors back. It must not be running.
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

// Forget stops watching a descriptor, which the caller then closes: that takes it out of the kernel's list.
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
