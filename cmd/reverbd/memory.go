package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryReleaser gives back to the system what a burst took. Go collects garbage when a program has allocated as much again as it keeps,
// so one that was busy and then is idle would hold on to what it no longer needs, for minutes or for good.
type memoryReleaser struct {
	samples   []metrics.Sample
	allocated uint64 // ever, when last looked at
	lastHeld  uint64 // held after memory was last released
	repeatIn  int    // idle checks until memory is released once more; 0: never
}

// What memoryReleaser reads of the runtime, all in bytes.
const (
	allocatedEver = iota // by the program since its start
	objects              // in use, and garbage
	free                 // neither, and not given back
	unused               // lost between objects
)

// memoryCheckInterval is how often it is looked whether the server has become idle: it has given back what a burst took a second later.
const memoryCheckInterval = 500 * time.Millisecond

// A server that allocates less than this between two looks is idle, in bytes.
const idleAllocation = 400 << 10

// Event loops keep what a burst made large for a second or two, in case there is another one. After so many idle looks they have let
// go of it.
const secondReleaseAfter = 6

// Giving back is worth a collection when the server holds so many bytes more than after the last time, and a quarter more.
const minRelease = 4 << 20

func newMemoryReleaser() *memoryReleaser {
	return &memoryReleaser{samples: []metrics.Sample{
		allocatedEver: {Name: "/gc/heap/allocs:bytes"},
		objects:       {Name: "/memory/classes/heap/objects:bytes"},
		free:          {Name: "/memory/classes/heap/free:bytes"},
		unused:        {Name: "/memory/classes/heap/unused:bytes"},
	}}
}

// releaseIfIdle is called every memoryCheckInterval. When the server has become idle it collects garbage and returns what is free.
func (m *memoryReleaser) releaseIfIdle() {
	allocated, held := m.read()
	idle := allocated-m.allocated < idleAllocation
	m.allocated = allocated
	switch {
	case !idle:
	case held >= m.lastHeld+max(m.lastHeld/4, minRelease):
		m.release()
		m.repeatIn = secondReleaseAfter
	case m.repeatIn > 0:
		if m.repeatIn--; m.repeatIn == 0 {
			m.release()
		}
	}
}

func (m *memoryReleaser) release() {
	debug.FreeOSMemory()
	m.allocated, m.lastHeld = m.read()
}

// read returns what has been allocated since the start, and what is held now.
func (m *memoryReleaser) read() (allocated, held uint64) {
	metrics.Read(m.samples)
	at := func(i int) uint64 { return m.samples[i].Value.Uint64() }
	return at(allocatedEver), at(objects) + at(free) + at(unused)
}
