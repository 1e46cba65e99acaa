package delivery

import (
	"math/rand/v2"
	"testing"

	"reverbd/bench/internal/msgid"
)

func TestTracker(t *testing.T) {
	for name, c := range map[string]struct {
		seqs []uint32
		want Counts
		left int // what is still missing below the highest number
	}{
		"nothing":               {},
		"in order":              {seqs: []uint32{1, 2, 3}, want: Counts{Delivered: 3}},
		"a duplicate":           {seqs: []uint32{1, 1, 2}, want: Counts{Delivered: 2, Duplicated: 1}},
		"an old duplicate":      {seqs: []uint32{1, 2, 3, 1}, want: Counts{Delivered: 3, Duplicated: 1}},
		"a loss":                {seqs: []uint32{1, 3, 4}, want: Counts{Delivered: 3}, left: 1},
		"lost from the start":   {seqs: []uint32{5}, want: Counts{Delivered: 1}, left: 4},
		"overtaken":             {seqs: []uint32{1, 3, 2}, want: Counts{Delivered: 3, Reordered: 1}},
		"overtaken twice":       {seqs: []uint32{4, 1, 2, 3}, want: Counts{Delivered: 4, Reordered: 3}},
		"late, then again":      {seqs: []uint32{3, 2, 2}, want: Counts{Delivered: 2, Reordered: 1, Duplicated: 1}, left: 1},
		"a gap filled from mid": {seqs: []uint32{9, 5, 4, 6}, want: Counts{Delivered: 4, Reordered: 3}, left: 5},
		"two gaps":              {seqs: []uint32{2, 4, 3, 1}, want: Counts{Delivered: 4, Reordered: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var tracker Tracker
			var got Counts
			for _, seq := range c.seqs {
				got.Add(tracker.See(seq))
			}
			if got != c.want {
				t.Errorf("counts are %+v, want %+v", got, c.want)
			}
			if left := missing(tracker); left != c.left {
				t.Errorf("%d are missing, want %d", left, c.left)
			}
		})
	}
}

func missing(t Tracker) (n int) {
	if t.gaps != nil {
		for _, g := range *t.gaps {
			n += int(g.end - g.first)
		}
	}
	return n
}

// TestTrackerAgainstASet plays random streams with loss, doubles and disorder, and compares with what a set of all numbers
// seen says.
func TestTrackerAgainstASet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var tracker Tracker
		seen := map[uint32]bool{}
		highest := uint32(0)
		for range 300 {
			seq := uint32(random.IntN(100)) + 1
			want := Late
			switch {
			case seen[seq]:
				want = Duplicate
			case seq > highest:
				want, highest = InOrder, seq
			}
			seen[seq] = true
			if got := tracker.See(seq); got != want {
				t.Fatalf("See(%d) = %d, want %d", seq, got, want)
			}
			if got, want := missing(tracker), int(highest)-len(seen); got != want {
				t.Fatalf("%d are missing, want %d", got, want)
			}
		}
	}
}

func TestReceiver(t *testing.T) {
	streams := Streams{PerChannel: 2, Senders: 2}
	for name, c := range map[string]struct {
		channels int
		ids      []msgid.ID
		want     Counts
	}{
		"the first and the last of its streams": {
			1, []msgid.ID{{Stream: 6, Seq: 1, Order: 1}, {Stream: 7, Seq: 1, Order: 1}}, Counts{Delivered: 2},
		},
		"of the channels beside its own": {
			1, []msgid.ID{{Stream: 5, Seq: 1}, {Stream: 8, Seq: 1}, {Stream: 1 << 31, Seq: 1}}, Counts{Stray: 3},
		},
		"in order in each stream, overtaken across channels": {
			2, []msgid.ID{{Stream: 6, Seq: 1, Order: 2}, {Stream: 8, Seq: 1, Order: 1}}, Counts{Delivered: 2, Reordered: 1},
		},
		"two senders have no order": {
			2, []msgid.ID{{Stream: 6, Seq: 1, Order: 2}, {Stream: 9, Seq: 1, Order: 1}}, Counts{Delivered: 2},
		},
		"late in both ways is late once": {
			2,
			[]msgid.ID{{Stream: 6, Seq: 2, Order: 2}, {Stream: 6, Seq: 1, Order: 1}, {Stream: 6, Seq: 1, Order: 1}},
			Counts{Delivered: 2, Reordered: 1, Duplicated: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			receiver := NewReceiver(streams, 3, c.channels)
			var got Counts
			for _, s := range c.ids {
				got.Add(receiver.See(s))
			}
			if got != c.want {
				t.Errorf("counts are %+v, want %+v", got, c.want)
			}
			if receiver.Received() != int(got.Delivered) {
				t.Errorf("Received() = %d, want %d", receiver.Received(), got.Delivered)
			}
		})
	}
}

// TestTurn shows that every publisher's messages go round its channels, that each stream has one publisher, and that
// stream, channel and sender follow from each other.
func TestTurn(t *testing.T) {
	for _, c := range []struct{ channels, publishers int }{{1, 1}, {1, 3}, {2, 3}, {3, 3}, {7, 3}, {1000, 8}} {
		streams := PublisherStreams(c.channels, c.publishers)
		owner := map[uint32]int{}
		used := map[int]bool{}
		for publisher := range c.publishers {
			for n := range 2 * c.channels {
				channel, stream := streams.Turn(publisher, n, c.channels)
				if channel < 0 || channel >= c.channels || streams.Channel(stream) != channel {
					t.Fatalf("%+v: publisher %d: channel %d, stream %d", c, publisher, channel, stream)
				}
				if had, ok := owner[stream]; ok && had != publisher || int(stream)%streams.Senders != publisher {
					t.Fatalf("%+v: stream %d belongs to publishers %d and %d", c, stream, had, publisher)
				}
				owner[stream] = publisher
				used[channel] = true
			}
		}
		if len(used) != c.channels {
			t.Errorf("%+v: %d channels are used", c, len(used))
		}
	}
}

func BenchmarkReceiver(b *testing.B) {
	receiver := NewReceiver(PublisherStreams(1, 1), 0, 1)
	b.ReportAllocs()
	for seq := uint32(1); b.Loop(); seq++ {
		if receiver.See(msgid.ID{Seq: seq, Order: seq}) != InOrder {
			b.Fatal("not in order")
		}
	}
}

// TestRanks shows two receivers the joins of two joiners in different orders.
func TestRanks(t *testing.T) {
	var ranks Ranks
	first, second := NewReceiver(PresenceStreams(2), 0, 1), NewReceiver(PresenceStreams(2), 0, 1)
	see := func(r *Receiver, joiner, seq uint32) Verdict {
		s := msgid.ID{Stream: joiner, Seq: seq}
		s.Order = ranks.Of(s)
		return r.See(s)
	}
	for i, step := range []struct {
		at          *Receiver
		joiner, seq uint32
		want        Verdict
	}{
		{&first, 0, 1, InOrder}, {&first, 1, 1, InOrder}, {&first, 1, 2, InOrder},
		{&second, 1, 1, InOrder}, {&second, 0, 1, Late}, {&second, 1, 2, InOrder}, {&second, 1, 2, Duplicate},
		{&first, 2, 1, Stray},
	} {
		if got := see(step.at, step.joiner, step.seq); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

// TestMissed begins in the middle of a stream.
func TestMissed(t *testing.T) {
	r := NewReceiver(PublisherStreams(1, 1), 0, 1)
	for _, step := range []struct {
		seq  uint32
		want int
	}{{7, 0}, {8, 0}, {10, 1}, {14, 4}, {12, 3}, {9, 2}, {9, 2}, {15, 2}} {
		r.See(msgid.ID{Seq: step.seq})
		if got := r.Missed(); got != step.want {
			t.Errorf("after %d: %d missed, want %d", step.seq, got, step.want)
		}
	}
}
