package eventloop

import (
	"fmt"
	"testing"
	"time"

	"reverbd/broadcast"
)

// How many of n WebSockets of a loop are closed after how much of the time.
func TestDrainIsSpread(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct {
		n            int
		over, passed time.Duration
		want         int
	}{
		{1000, 0, 0, 1000},
		{1000, 10 * time.Second, 0, 20},
		{1000, 10 * time.Second, time.Second, 120},
		{10000, 10 * time.Second, 0, 20},
		{10000, 10 * time.Second, time.Second, 1000},
		{10000, 10 * time.Second, 9999 * time.Millisecond, 9999},
		{10000, 10 * time.Second, 10 * time.Second, 10000},
		{5, time.Hour, 0, 5},
		{0, time.Hour, time.Second, 0},
	} {
		t.Run(fmt.Sprintf("%d over %v after %v", tt.n, tt.over, tt.passed), func(t *testing.T) {
			d := &drain{webSockets: make([]*broadcast.Subscriber, tt.n), begin: begin, spread: tt.over}
			if got := d.due(begin.Add(tt.passed)); got != tt.want {
				t.Errorf("%d are closed, want %d", got, tt.want)
			}
		})
	}
}
