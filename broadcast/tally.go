package broadcast

import (
	"sync/atomic"
	"time"
)

// Counter is one of the counters that are kept for each app and loop.
type Counter uint8

// The counters of this package. The others, up to CounterCount, belong to the package above: see CountersAbove.
const (
	Delivered     Counter = iota // copies of events that were queued for subscribers
	FramesOut                    // frames written
	BytesOut                     // of these frames, before TLS
	Subscriptions                // at the moment: it goes down, too
	EventsCluster                // events of other nodes

	deliveryTimes                                          // a Histogram, of the time from the publish of an event to the last write of its copies on a loop
	CountersAbove = deliveryTimes + Counter(HistogramSize) // the first one that is free
)

// CounterCount bounds the counters of an app.
const CounterCount = 192

// Counters are the values of the counters of one app.
type Counters [CounterCount]uint64

// Tally counts what happens to one app. Each loop has integers of its own, which are added up when somebody asks (Hub.Totals).
type Tally struct {
	loops  [MaxLoops]*Counters // by loop, which owns it; nil until it counts something
	shared Counters            // of all other goroutines; atomic
}

// Count adds n to a counter. l is the loop that the caller runs on, nil if it runs on none.
func (t *Tally) Count(l *Loop, c Counter, n uint64) {
	if l == nil {
		atomic.AddUint64(&t.shared[c], n)
		return
	}
	t.of(l)[c] += n
}

// of returns the counters of the loop that the caller runs on.
func (t *Tally) of(l *Loop) *Counters {
	if c := t.loops[l.index]; c != nil {
		return c
	}
	c := new(Counters)
	t.loops[l.index] = c
	return c
}

// addLoop adds what has been counted on the loop that the caller runs on.
func (t *Tally) addLoop(l *Loop, sum *Counters) {
	if own := t.loops[l.index]; own != nil {
		for i, n := range own {
			sum[i] += n
		}
	}
}

// addShared adds what has been counted on no loop.
func (t *Tally) addShared(sum *Counters) {
	for i := range t.shared {
		sum[i] += atomic.LoadUint64(&t.shared[i])
	}
}

// histogramBounds are the upper bounds of the buckets of a Histogram; the last bucket has none.
var histogramBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second, 5 * time.Second,
}

// HistogramSize is the number of counters of a Histogram: one for each bucket, and the sum in nanoseconds.
const HistogramSize = len(histogramBounds) + 2

// Observe adds a time to the histogram that begins at counter first.
func (t *Tally) Observe(l *Loop, first Counter, d time.Duration) {
	d = max(d, 0)
	t.Count(l, first+Counter(bucket(d)), 1)
	t.Count(l, first+Counter(HistogramSize-1), uint64(d))
}

func bucket(d time.Duration) int {
	for i, bound := range histogramBounds {
		if d <= bound {
			return i
		}
	}
	return len(histogramBounds)
}

// Histogram is the distribution of a time.
type Histogram struct {
	Bounds []time.Duration // upper bounds of all buckets but the last; shared
	Counts []uint64        // by bucket, one more than Bounds
	Sum    time.Duration
}

// Histogram returns the one that begins at counter first. It aliases c.
func (c *Counters) Histogram(first Counter) Histogram {
	n := int(first) + len(histogramBounds) + 1
	return Histogram{Bounds: histogramBounds[:], Counts: c[first:n], Sum: time.Duration(c[n])}
}

// DeliveryTimes is the time from the publish of an event to the last write of its copies, once for each loop that has subscribers.
func (c *Counters) DeliveryTimes() Histogram { return c.Histogram(deliveryTimes) }
