package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memory gives back to the system what a burst took. Go collects garbage when a program has allocated as much again as it keeps,
// so one that was busy and then is idle would hold on to what it no longer needs, for minutes or for good.
type memory struct {
	samples   []metrics.Sample
	allocated uint64 // ever, when last looked at
	settled   uint64 // held after memory was last given back
	again     int    // idle looks until it is given back once more; 0: it need not be
}

// What memory reads of the runtime, all in bytes.
const (
	allocatedEver = iota // by the program since its start
	objects              // in use, and garbage
	free                 // neither, and not given back
	unused               // lost between objects
)

// lookInterval is how often it is looked whether the server has become idle: it has given back what a burst took a second later.
const lookInterval = 500 * time.Millisecond

// A server that allocates less than this between two looks is idle, in bytes.
const idleAllocation = 400 << 10

// Event loops keep what a burst made large for a second or two, in case there is another one. After so many idle looks they have let
// go of it.
const trimmedAfter = 6

// Giving back is worth a collection when the server holds so many bytes more than after the last time, and a quarter more.
const worthwhile = 4 << 20

func newMemory() *memory {
	return &memory{samples: []metrics.Sample{
		allocatedEver: {Name: "/gc/heap/allocs:bytes"},
		objects:       {Name: "/memory/classes/heap/objects:bytes"},
		free:          {Name: "/memory/classes/heap/free:bytes"},
		unused:        {Name: "/memory/classes/heap/unused:bytes"},
	}}
}

// settle is called every lookInterval. When the server has become idle it collects garbage and returns what is free.
func (m *memory) settle() {
	allocated, held := m.read()
	idle := allocated-m.allocated < idleAllocation
	m.allocated = allocated
	switch {
	case !idle:
	case held >= m.settled+max(m.settled/4, worthwhile):
		m.giveBack()
		m.again = trimmedAfter
	case m.again > 0:
		if m.again--; m.again == 0 {
			m.giveBack()
		}
	}
}

func (m *memory) giveBack() {
	debug.FreeOSMemory()
	m.allocated, m.settled = m.read()
}

// read returns what has been allocated since the start, and what is held now.
func (m *memory) read() (allocated, held uint64) {
	metrics.Read(m.samples)
	at := func(i int) uint64 { return m.samples[i].Value.Uint64() }
	return at(allocatedEver), at(objects) + at(free) + at(unused)
}
