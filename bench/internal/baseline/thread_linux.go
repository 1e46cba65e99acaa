package baseline

import (
	"bytes"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// thread serves the connections that its listener accepts. It writes to the sockets of all threads itself: nothing is handed over
// between threads.
type thread struct {
	epoll, listener int
	events          [1024]unix.EpollEvent
	buffer          []byte
	lists           *lists
	replies         Replies
}

// bufferSize bounds a message, in bytes.
const bufferSize = 1 << 20

func newThread(listener int, shared *lists, replies Replies) (*thread, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if errno := watch(epoll, listener); errno != 0 {
		return nil, os.NewSyscallError("epoll_ctl", errno)
	}
	return &thread{epoll: epoll, listener: listener, buffer: make([]byte, bufferSize), lists: shared, replies: replies}, nil
}

// run serves for ever. It sends its thread id on begun.
func (t *thread) run(begun chan<- int) {
	runtime.LockOSThread()
	begun <- unix.Gettid()
	for {
		for _, e := range t.events[:wait(t.epoll, t.events[:])] {
			if int(e.Fd) == t.listener {
				t.accept()
			} else {
				t.serve(e.Fd)
			}
		}
	}
}

func (t *thread) accept() {
	for {
		fd := accept(t.listener)
		if fd < 0 {
			return
		}
		_ = watch(t.epoll, fd) // it fails only without memory
	}
}

// serve makes one read and carries out the messages in it.
func (t *thread) serve(fd int32) {
	n := read(fd, t.buffer)
	if n == 0 {
		t.lists.leave(int(fd))
		closeFD(fd)
		return
	}
	for p := t.buffer[:n]; len(p) > 0; {
		if Kind(p[0]) == upgrade {
			p = t.upgrade(fd, p)
			continue
		}
		whole := size(p)
		for whole == 0 || len(p) < whole { // the rest is on its way
			have := copy(t.buffer, p)
			more := read(fd, t.buffer[have:])
			if more == 0 {
				return // epoll reports the end again
			}
			p = t.buffer[:have+more]
			whole = size(p)
		}
		t.do(fd, p[:whole])
		p = p[whole:]
	}
}

// upgrade answers a handshake, which always comes in one piece, and returns the bytes behind it.
func (t *thread) upgrade(fd int32, p []byte) []byte {
	_, rest, _ := bytes.Cut(p, []byte("\r\n\r\n"))
	write(fd, t.replies.Upgrade)
	return rest
}

// do carries out one message.
func (t *thread) do(sender int32, message []byte) {
	kind := Kind(message[0])
	if kind == Publish {
		write(sender, t.replies.Publish)
	}
	items := message[headerSize:]
	for range itemCount(message) {
		var list int
		var data []byte
		list, data, items = nextItem(items)
		switch kind {
		case Subscribe:
			t.lists.join(list, int(sender))
			write(sender, data)
		case Publish:
			for _, fd := range t.lists.on(list) {
				write(fd, data)
			}
		case Whisper:
			for _, fd := range t.lists.on(list) {
				if fd != sender {
					write(fd, data)
				}
			}
		}
	}
}
