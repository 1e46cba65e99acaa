package clock

import (
	"testing"
	"time"
)

func TestEveryStops(t *testing.T) {
	calls := make(chan int)
	n := 0
	stop := Every(time.Millisecond, func() bool {
		n++
		calls <- n
		return n < 3
	})
	for want := 1; want <= 3; want++ {
		if got := <-calls; got != want {
			t.Errorf("call %d came as %d", want, got)
		}
	}
	stop() // of one that has ended by itself
	again := Every(time.Hour, func() bool { return true })
	again() // of one that was never called
}
