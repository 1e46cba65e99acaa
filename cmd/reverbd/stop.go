package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// stop begins to stop the server, unless that has begun: /up answers 503 for the drain delay, then connections are closed over the
// drain timeout.
func (i *instance) stop() {
	if i.stopped != nil {
		return
	}
	if i.cancelRestart != nil {
		i.cancelRestart()
	}
	i.manager.stopping()
	i.api.StartDraining()
	i.log.Info("stopping: connections are told to come back", zap.Int("connections", i.server.Connections()),
		zap.Duration("delay", i.conf.DrainDelay), zap.Duration("over", i.conf.DrainTimeout))
	i.drain(i.conf.DrainDelay, 0)
}

// drain closes the connections, after the delay, and stops the server. Idle HTTP connections stay open for the time keep.
func (i *instance) drain(delay, keep time.Duration) {
	ctx, cut := background()
	i.cancelDrain = cut
	i.stopped = make(chan error, 1)
	over := i.conf.DrainTimeout
	stopping := i.successor == nil
	go func() {
		wait(ctx, delay)
		if stopping {
			i.webhooks.stopping(i.registry)
		}
		i.stopped <- i.server.Shutdown(ctx, over, keep)
	}()
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
