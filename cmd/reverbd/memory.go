package main

import (
	"runtime/debug"
	"runtime/metrics"
)

// memory gives back to the system what a burst took. Go collects garbage when a program has allocated as much again as it keeps,
// so one that was busy and then is idle would hold on to what it no longer needs, for minutes or for good.
type memory struct {
	samples   []metrics.Sample
	allocated uint64
	settled   bool // given back since the last time the server was busy
}

// What memory reads of the runtime, all in bytes.
const (
	allocatedEver = iota // by the program since its start
	live                 // reachable when garbage was last collected
	objects              // reachable now, and garbage
	free                 // neither, and not given back
	unused               // lost between objects
)

// Below these nothing is worth a collection: what is allocated between two looks by a server that is idle, and what could be given
// back, in bytes.
const (
	idleAllocation = 4 << 20
	worthwhile     = 8 << 20
)

func newMemory() *memory {
	return &memory{samples: []metrics.Sample{
		allocatedEver: {Name: "/gc/heap/allocs:bytes"},
		live:          {Name: "/gc/heap/live:bytes"},
		objects:       {Name: "/memory/classes/heap/objects:bytes"},
		free:          {Name: "/memory/classes/heap/free:bytes"},
		unused:        {Name: "/memory/classes/heap/unused:bytes"},
	}}
}

// settle is called every few seconds. Once after each busy time it collects garbage and returns what is free, if there is enough of
// it: more than a quarter of what is in use.
func (m *memory) settle() {
	metrics.Read(m.samples)
	at := func(i int) uint64 { return m.samples[i].Value.Uint64() }
	idle := at(allocatedEver)-m.allocated < idleAllocation
	m.allocated = at(allocatedEver)
	if !idle {
		m.settled = false
		return
	}
	if held := at(objects) + at(free) + at(unused); !m.settled && held > at(live)+max(at(live)/4, worthwhile) {
		debug.FreeOSMemory()
		m.settled = true
	}
}
