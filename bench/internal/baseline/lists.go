package baseline

import (
	"runtime"
	"sync/atomic"
)

// lists maps each list to its sockets. All threads share it, under a lock that costs two atomic operations and is never held
// across a system call.
type lists struct {
	lock    atomic.Bool
	members [][]int32 // descriptors, by list
	places  [][]place // by descriptor
}

// place is the position of a descriptor on a list.
type place struct{ list, index int32 }

func (l *lists) acquire() {
	for !l.lock.CompareAndSwap(false, true) {
		runtime.Gosched()
	}
}

func (l *lists) release() { l.lock.Store(false) }

// join puts a descriptor on a list.
func (l *lists) join(list, fd int) {
	l.acquire()
	defer l.release()
	for len(l.members) <= list {
		l.members = append(l.members, nil)
	}
	for len(l.places) <= fd {
		l.places = append(l.places, nil)
	}
	l.places[fd] = append(l.places[fd], place{int32(list), int32(len(l.members[list]))})
	l.members[list] = append(l.members[list], int32(fd))
}

// on returns the descriptors on a list. The slice is valid until a descriptor leaves the list: a run publishes nothing meanwhile.
func (l *lists) on(list int) []int32 {
	l.acquire()
	defer l.release()
	if list >= len(l.members) {
		return nil
	}
	return l.members[list]
}

// leave takes a descriptor off all lists.
func (l *lists) leave(fd int) {
	l.acquire()
	defer l.release()
	if fd >= len(l.places) {
		return
	}
	for _, p := range l.places[fd] {
		l.remove(p)
	}
	l.places[fd] = l.places[fd][:0]
}

// remove takes a descriptor off a list by moving the last one into its place.
func (l *lists) remove(from place) {
	members := l.members[from.list]
	last := int32(len(members) - 1)
	moved := members[last]
	members[from.index] = moved
	l.members[from.list] = members[:last]
	for i, p := range l.places[moved] {
		if p == (place{from.list, last}) {
			l.places[moved][i].index = from.index
			return
		}
	}
}
