package redis

import (
	"math/rand/v2"
	"testing"
)

// Numbers that come in any order, often twice, are accepted once each as long as they are not too far behind.
func TestWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var w window
		accepted := map[uint64]bool{}
		top := uint64(0)
		for range 20_000 {
			var n uint64
			switch rnd.IntN(20) {
			case 0:
				n = top + 1 + rnd.Uint64N(3*windowSize)
			case 1, 2, 3, 4, 5, 6, 7:
				n = top + 1 + rnd.Uint64N(3)
			default:
				n = max(1, top-min(top, rnd.Uint64N(2*windowSize)))
			}
			want := !accepted[n] && (n > top || top-n < windowSize)
			if got := w.accept(n); got != want {
				t.Fatalf("%d after %d: accepted %v, want %v", n, top, got, want)
			}
			if want {
				accepted[n] = true
			}
			top = max(top, n)
		}
	}
}

// A process may have sent much before it is heard for the first time.
func TestWindowBeginsAnywhere(t *testing.T) {
	var w window
	for _, n := range []uint64{1 << 40, 1<<40 - 1, 1<<40 - windowSize + 1, 1<<40 + 1} {
		if !w.accept(n) || w.accept(n) {
			t.Errorf("%d is not accepted once", n)
		}
	}
	if w.accept(1<<40 - windowSize) {
		t.Error("what is too far behind is accepted")
	}
}
