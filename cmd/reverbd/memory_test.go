package main

import (
	"runtime"
	"testing"

	"reverbd/cmd/reverbd/config"
)

// What a burst took is given back when the server has become idle, not while it is busy, and not again and again.
func TestMemoryIsReleasedWhenIdle(t *testing.T) {
	m := newMemoryReleaser()
	burst := make([][]byte, 64)
	for i := range burst {
		burst[i] = make([]byte, 1<<20)
	}
	_, high := m.read()
	runtime.KeepAlive(burst)

	m.releaseIfIdle() // all that was allocated since the start: busy
	if m.lastHeld != 0 {
		t.Fatal("gave back while the server was busy")
	}
	m.releaseIfIdle()
	_, low := m.read()
	if m.lastHeld == 0 || low > high-32<<20 {
		t.Errorf("holds %d bytes of %d", low, high)
	}
	before := m.lastHeld
	m.releaseIfIdle()
	if m.lastHeld != before {
		t.Error("gave back again although nothing had happened")
	}

	// What the loops let go of a little later is less than would be worth it by itself.
	late := make([]byte, 3<<20)
	_, high = m.read()
	runtime.KeepAlive(late)
	for range secondReleaseAfter {
		m.allocated, _ = m.read() // idle, whatever the test allocates
		m.releaseIfIdle()
	}
	if _, low := m.read(); low > high-2<<20 {
		t.Errorf("holds %d bytes of %d after another while", low, high)
	}
}

// Without release_memory the server never collects garbage by itself; a reload can turn that on.
func TestMemoryIsLeftToTheRuntime(t *testing.T) {
	i, m := &instance{}, newMemoryReleaser()
	burst := make([]byte, 32<<20)
	check := func() {
		for range 2 * secondReleaseAfter {
			m.allocated, _ = m.read() // idle, whatever the test allocates
			i.checkMemory(m)
		}
	}
	check()
	if m.lastHeld != 0 {
		t.Error("gave memory back")
	}
	i.conf = config.Config{Lifecycle: config.Lifecycle{ReleaseMemory: true}}
	check()
	if m.lastHeld == 0 {
		t.Error("gave nothing back when it was turned on")
	}
	runtime.KeepAlive(burst)
}
