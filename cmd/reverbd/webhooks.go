package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"

	"reverbd/apps"
	"reverbd/apps/webhook"
	"reverbd/broadcast"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/control"
)

// How long the end of a server waits for webhooks: for those that are due, where nothing can be kept for the next start, and for
// attempts that are under way.
const (
	flushTime   = 3 * time.Second
	attemptTime = 4 * time.Second
)

// webhooks is the sending of webhooks, and what becomes of it when the process ends. What has not been told survives a restart, which hands it
// over; a stop, if there is a state directory or a pid file to put it beside; and a kill, if there is a state directory.
type webhooks struct {
	dispatcher *webhook.Dispatcher
	outbox     broadcast.Outbox // of the cluster, where everything survives; nil on a node of its own
	log        *zap.Logger
	dir        string // of the state; "" is none
	file       string // beside the pid file, where there is no directory; "" is none

	handedOver chan struct{} // closed when the new process knows all; nil as long as there is none
	to         *os.File      // the pipe to it
}

func newWebhooks(conf config.Config, others *cluster, log *zap.Logger) *webhooks {
	w := &webhooks{outbox: others.outbox(), log: log}
	w.dispatcher = webhook.New(webhook.Options{
		Client: webhook.Client(conf.Roots), QueueBytes: conf.QueueBytes, Outbox: w.outbox, Log: log,
	})
	switch {
	case w.outbox != nil:
		w.outbox.Serve(w.dispatcher)
	case conf.StateDir != "":
		w.dir = conf.StateDir
	case conf.PidFile != "":
		w.file = conf.PidFile + ".webhooks"
	}
	return w
}

// observer is who is told what happens.
func (w *webhooks) observer() broadcast.Observer {
	if w.outbox != nil {
		return w.outbox
	}
	return w.dispatcher
}

// configure says whose webhooks are sent.
func (w *webhooks) configure(settings []apps.Settings) {
	list := make([]webhook.App, len(settings))
	for n, s := range settings {
		list[n] = webhook.App{ID: s.ID, Key: s.Key, Secret: s.Secret, Hooks: s.Webhooks}
	}
	w.dispatcher.Configure(list)
}

// reconfigure is configure for a server that runs.
func (w *webhooks) reconfigure(settings []apps.Settings, registry *apps.Registry) {
	w.configure(settings)
	for _, a := range registry.Apps() {
		if w.outbox != nil && len(a.Webhooks) > 0 {
			w.outbox.Sync(a.Channels)
		}
	}
}

// open takes over what a former process has left.
func (w *webhooks) open(settings []apps.Settings, inherited *handover) error {
	w.configure(settings)
	from := inherited.webhooks()
	switch {
	case w.outbox != nil:
		if from != nil {
			_ = from.Close()
		}
	case from != nil:
		w.dispatcher.Pause()
		go w.takeOver(from)
	case w.dir != "":
		return w.dispatcher.Keep(w.dir)
	case w.file != "":
		w.restore()
	}
	return nil
}

// takeOver reads what the process before hands over, for as long as that has connections.
func (w *webhooks) takeOver(from *os.File) {
	defer func() { _ = from.Close() }()
	if err := w.dispatcher.TakeOver(from, w.dir); err != nil {
		w.log.Error("not all webhooks of the process before are known", zap.Error(err))
	}
}

// restore reads the file beside the pid file.
func (w *webhooks) restore() {
	f, err := os.Open(w.file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = w.dispatcher.Restore(f)
		_ = f.Close()
	}
	if err != nil {
		w.log.Error("webhooks of the process before cannot be read", zap.Error(err))
		err = os.Rename(w.file, w.file+".unreadable")
	} else {
		err = os.Remove(w.file)
	}
	if err != nil {
		w.log.Error("webhooks may be sent twice", zap.Error(err))
	}
}

// pipe is what the new process reads webhooks from; nil where there are none. The caller closes it.
func (w *webhooks) pipe() (*os.File, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("handing webhooks over: %w", err)
	}
	w.to = to
	return from, nil
}

// keep is called when the new process has failed.
func (w *webhooks) keep() {
	_ = w.to.Close()
	w.to = nil
}

// leave says that those who are connected are about to be told to come back, to this server's next process.
func (w *webhooks) leave(registry *apps.Registry) {
	for _, a := range registry.Apps() {
		if len(a.Webhooks) > 0 {
			a.Channels.Present(w.dispatcher.Leave)
		}
	}
	w.dispatcher.LeaveAll()
}

// handOver is called when the new process serves. It is to send what this one has yet to tell. On one of several nodes both have
// that in common.
func (w *webhooks) handOver(registry *apps.Registry) {
	if w.outbox != nil {
		w.keep()
		return
	}
	w.handedOver = make(chan struct{})
	go func() {
		defer close(w.handedOver)
		w.leave(registry)
		ctx, cancel := context.WithTimeout(context.Background(), attemptTime)
		defer cancel()
		if err := w.dispatcher.HandOver(ctx, w.to); err != nil {
			w.log.Error("webhooks are lost", zap.Error(err))
		}
	}()
}

// stopping is called before the connections of a server that is stopped are closed. Where nothing can be kept they count as gone.
func (w *webhooks) stopping(registry *apps.Registry) {
	if w.dir != "" || w.file != "" {
		w.leave(registry)
	}
}

// close ends the sending, when all connections have been closed.
func (w *webhooks) close() {
	if w.handedOver != nil {
		<-w.handedOver
		w.dispatcher.Close(context.Background())
		_ = w.to.Close()
		return
	}
	if w.outbox == nil && w.dir == "" && w.file == "" {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		w.dispatcher.Flush(ctx)
		cancel()
	}
	ctx, cancel := context.WithTimeout(context.Background(), attemptTime)
	defer cancel()
	w.dispatcher.Close(ctx)
	if w.outbox == nil && w.dir == "" {
		w.save()
	}
}

// save writes what is left into the file beside the pid file.
func (w *webhooks) save() {
	if w.file == "" {
		if n := w.dispatcher.Left(); n > 0 {
			w.log.Warn("webhooks are lost; with a state directory or a pid file they would be sent after the next start", zap.Int("events", n))
		}
		return
	}
	if w.dispatcher.Left() == 0 {
		return
	}
	f, err := os.OpenFile(w.file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		err = errors.Join(w.dispatcher.Save(f), f.Close())
	}
	if err != nil {
		w.log.Error("webhooks are lost", zap.Error(err))
	}
}

// counters are what status tells of webhooks.
func (w *webhooks) counters() []control.Counter {
	s := w.dispatcher.Stats()
	return []control.Counter{
		{Name: "webhook events sent", N: s.Sent}, {Name: "webhook bytes waiting", N: s.Waiting},
		{Name: "webhook attempts failed", N: s.Failed}, {Name: "webhook events dropped", N: s.Dropped},
	}
}
