package clock

import (
	"sync"
	"time"
)

// Every calls f at an interval, on a goroutine of its own, until stop is called or f returns false. stop waits for a call of f that
// is running.
func Every(d time.Duration, f func() (more bool)) (stop func()) {
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for more := true; more; {
			select {
			case <-done:
				return
			case <-ticker.C:
				more = f()
			}
		}
	})
	return func() {
		close(done)
		ended.Wait()
	}
}
