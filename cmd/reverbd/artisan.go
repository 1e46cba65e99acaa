package main

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast/redis"
)

// The signal of php artisan reverb:restart is a time in the application's cache. Reverb looks for another one as often.
const signalInterval = 5 * time.Second

// signalWatch looks for the signal.
type signalWatch struct {
	get  func(ctx context.Context, key string) (string, error) // "" where there is none
	keys []string
	log  *zap.Logger

	known   string // what was there when it was looked last
	looked  bool
	failing bool
}

// changed reports whether the signal has been given since the last look. The first look only finds out what is there.
func (w *signalWatch) changed(ctx context.Context) bool {
	var values []string
	for _, key := range w.keys {
		value, err := w.get(ctx, key)
		if err != nil {
			if !w.failing && ctx.Err() == nil {
				w.log.Warn("php artisan reverb:restart is not seen while its cache does not answer", zap.Error(err))
			}
			w.failing = true
			return false
		}
		values = append(values, value)
	}
	w.failing = false
	now := strings.Join(values, "\n")
	given := w.looked && now != w.known && strings.TrimSpace(now) != ""
	w.known, w.looked = now, true
	return given
}

// watchSignal returns a channel on which the signal of reverb:restart comes, nil if it cannot be seen, and what ends the watching.
func (i *instance) watchSignal() (signals <-chan struct{}, stop func()) {
	if i.conf.Signal == nil {
		return nil, func() {}
	}
	reader := redis.NewReader(i.conf.Signal.Redis)
	w := &signalWatch{get: reader.Get, keys: i.conf.Signal.Keys, log: i.log}
	given := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = reader.Close() }()
		ticker := time.NewTicker(signalInterval)
		defer ticker.Stop()
		for {
			if w.changed(ctx) {
				select {
				case given <- struct{}{}:
				case <-ctx.Done():
				}
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return given, func() {
		cancel()
		<-done
	}
}
