package main

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryReleaser returns memory to the system after a burst. Go collects garbage when a program has allocated as much again as
// it holds, so a server that is idle after a burst would keep the memory of the burst for minutes or for good.
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

// memoryCheckInterval is the time between two checks whether the server is idle: memory is released about a second after a burst.
const memoryCheckInterval = 500 * time.Millisecond

// idleAllocation is in bytes: a server that allocates less between two checks is idle.
const idleAllocation = 400 << 10

// secondReleaseAfter is a number of idle checks. Event loops keep buffers that a burst made large for a second or two, in case
// there is another one; after so many checks they have dropped them.
const secondReleaseAfter = 6

// minRelease is in bytes. A release is worth a garbage collection when the server holds so much, and a quarter, more than after the
// last one.
const minRelease = 4 << 20

func newMemoryReleaser() *memoryReleaser {
	return &memoryReleaser{samples: []metrics.Sample{
		allocatedEver: {Name: "/gc/heap/allocs:bytes"},
		objects:       {Name: "/memory/classes/heap/objects:bytes"},
		free:          {Name: "/memory/classes/heap/free:bytes"},
		unused:        {Name: "/memory/classes/heap/unused:bytes"},
	}}
}

// releaseIfIdle is called every memoryCheckInterval. When the server is idle it collects garbage and returns free memory
// to the system.
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
