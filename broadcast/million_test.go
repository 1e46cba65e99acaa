package broadcast

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"reverbd/protocol/pusher"
)

// What a million sessions with three subscriptions each cost: a room of all, a room of a hundred, and a channel of its own. There are no
// sockets, and one goroutine runs all loops. Run it with -benchtime 1x; it takes a gigabyte.
func BenchmarkMillion(b *testing.B) {
	for _, loops := range []int{2, 64} {
		b.Run(fmt.Sprintf("loops=%d", loops), func(b *testing.B) {
			for b.Loop() {
				million(b, loops, 1_000_000)
			}
		})
	}
}

func million(b *testing.B, loops, sessions int) {
	r := newTestHub(b, Options{Loops: loops})
	before := heapInUse()
	subs := make([]Subscriber, sessions)
	conn := &discardConn{}
	var longest time.Duration
	measured := func(f func()) {
		begin := time.Now()
		f()
		longest = max(longest, time.Since(begin))
	}
	drain := func() {
		for more := true; more; {
			more = false
			for i, l := range r.loops {
				if r.woken[i]+r.rescheduled[i] > 0 {
					r.woken[i], r.rescheduled[i] = 0, 0
					more = true
					measured(l.Drain)
				}
			}
		}
	}
	report := func(name string, d time.Duration, unit string, n int) {
		b.ReportMetric(float64(n)/d.Seconds(), name+"_"+unit+"/s")
	}
	timed := func(f func()) time.Duration {
		begin := time.Now()
		f()
		return time.Since(begin)
	}
	subscribe := func(s *Subscriber, channel []byte) {
		r.app.Subscribe(s, channel, pusher.KindOf(channel), nil)
	}
	var name []byte
	own := func(i int) []byte {
		name = fmt.Appendf(name[:0], "private-user.%d", i)
		return name
	}

	report("join", timed(func() {
		for i := range subs {
			s := &subs[i]
			measured(func() {
				r.loops[i%loops].Add(s, pusher.NewSocketID(), r.app, conn)
				subscribe(s, []byte("everybody"))
				name = fmt.Appendf(name[:0], "room.%d", i/100)
				subscribe(s, name)
				subscribe(s, own(i))
			})
		}
	}), "sessions", sessions)
	b.ReportMetric(float64(heapInUse()-before)/float64(sessions), "B/session")
	b.ReportMetric(float64(longest.Microseconds()), "longest-join-µs")

	longest = 0
	report("all", timed(func() { r.publish("everybody", "an event for all", 0); drain() }), "copies", sessions)
	const events = 200_000
	pauses, bytes := gcPauses(), allocated()
	report("one", timed(func() {
		for i := range events {
			if err := r.app.Publish(nil, own(i*5), textFrame("an event for one user, of the size that is usual"), 0); err != nil {
				b.Fatal(err)
			}
			drain()
		}
	}), "events", events)
	b.ReportMetric(float64(allocated()-bytes)/events, "B/event")
	b.ReportMetric(1000*collection(), "gc-CPU-ms")
	b.ReportMetric(float64((gcPauses() - pauses).Microseconds()), "gc-pauses-µs")
	report("leave", timed(func() {
		for i := range subs {
			measured(func() { subs[i].Loop().Remove(&subs[i]) })
		}
		drain()
	}), "sessions", sessions)
	for _, l := range r.loops {
		measured(l.Trim)
	}
	b.ReportMetric(float64(longest.Microseconds()), "longest-turn-µs")
	r.Sweep()
	b.ReportMetric(float64(heapInUse()-before)/1e6, "MB-left")
}

// heapInUse is what is in use on the heap, in bytes.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// gcPauses is how long the garbage collector has stopped the program so far.
func gcPauses() time.Duration {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	return s.PauseTotal
}

// collection is the CPU time of one collection, in seconds.
func collection() float64 {
	read := func() float64 {
		sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
		metrics.Read(sample)
		return sample[0].Value.Float64()
	}
	begin := read()
	runtime.GC()
	return read() - begin
}

// allocated is what the program has allocated so far, in bytes.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
