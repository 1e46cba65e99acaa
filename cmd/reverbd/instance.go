package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/console"
	"reverbd/cmd/reverbd/control"
	"reverbd/eventloop"
)

// instance is one server process from its start to its end. All state belongs to the goroutine of run; work that takes time
// runs on other goroutines and reports to run over channels.
type instance struct {
	conf       config.Config
	reread     func() (config.Config, error)
	program    program
	inherited  *handover
	supervisor *supervisor // links this process with those before and after it; nil until there is one
	manager    manager
	output     *output
	refusals   *limitlog.Log
	log        *zap.Logger
	level      zap.AtomicLevel
	started    time.Time

	hub      *broadcast.Hub
	others   *cluster // the other nodes; nil on a node of its own
	registry *apps.Registry
	webhooks *webhooks
	api      *apps.API
	network  *network
	console  *console.Console
	admin    *adminServer // nil without an admin address
	server   *eventloop.Server

	control     *control.Server // nil without a control socket
	unreachable bool            // the control socket cannot be reached
	calls       chan call
	closed      chan struct{} // closed when nothing is answered any more

	stopSignalled  bool       // a signal to stop has arrived
	stopped        chan error // receives how draining ended; nil while there is no draining
	cancelDrain    func()     // ends the draining at once
	signals        chan os.Signal
	takeovers      chan takeover // receives how a restart ended
	cancelRestart  func()        // nil while there is no restart
	successor      *successor    // nil until one has taken over
	successorEnded chan struct{} // closed when it has ended; nil while that does not matter
	successorCode  *int          // its exit code, once that is known
}

// sweepInterval is how often expired cached events are looked for.
const sweepInterval = 5 * time.Second

// handledSignals are the signals that the server handles. Reverb ends on the last three.
var handledSignals = []os.Signal{syscall.SIGHUP, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTSTP}

// run runs the server until it fails or is stopped.
func (i *instance) run() error {
	signal.Notify(i.signals, handledSignals...) // until the process ends, or becomes the stub: a late signal must not kill it
	if err := i.open(); err != nil {
		return err
	}
	defer i.close()

	ended := make(chan error, 1)
	go func() { ended <- i.server.Run() }()
	booted := i.server.Booted()
	orphaned := i.supervisor.orphaned()
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	memoryCheck := time.NewTicker(memoryCheckInterval)
	defer memoryCheck.Stop()
	heartbeat, stopHeartbeats := i.manager.heartbeats()
	defer stopHeartbeats()
	artisan, stopWatching := i.watchSignal()
	defer stopWatching()
	memory := newMemoryReleaser()
	for {
		select {
		case err := <-ended:
			return err
		case err := <-i.stopped:
			if err != nil {
				return err
			}
			return <-ended
		case <-booted:
			booted = nil
			if err := i.booted(); err != nil {
				i.log.Error("stopping", zap.Error(err))
				i.stop()
			}
		case s := <-i.signals:
			i.onSignal(s)
		case c := <-i.calls:
			i.onCall(c)
		case t := <-i.takeovers:
			i.onTakeover(t)
		case <-i.successorEnded:
			i.onSuccessorEnd()
		case <-orphaned:
			orphaned = nil
			i.log.Warn("stopping: the process that was started first is gone")
			i.stop()
		case <-artisan:
			if i.stopped == nil {
				i.log.Info("php artisan reverb:restart has been run")
				i.restart(func(control.Answer) {}) // the log says what became of it
			}
		case <-heartbeat:
			i.heartbeat()
		case <-sweep.C:
			i.hub.Sweep()
			if i.control != nil && i.successor == nil && i.control.Missing() {
				i.reclaimControl() // a session's directory goes with the session
			}
		case <-memoryCheck.C:
			i.checkMemory(memory)
		}
	}
}

// open opens the control socket and writes the pid file.
func (i *instance) open() error {
	if err := i.openControl(); err != nil {
		return err
	}
	if err := writePidFile(i.conf.PidFile); err != nil {
		i.control.Close()
		return err
	}
	return nil
}

func (i *instance) close() {
	close(i.closed)
	if i.control != nil {
		i.control.Close()
	}
	removePidFile(i.conf.PidFile)
}

// booted is called when connections are accepted.
func (i *instance) booted() error {
	if err := i.inherited.ready(); err != nil {
		return err
	}
	i.network.serves()
	announce(i.output.trace, i.conf, i.network, i.admin.page(), i.inherited == nil)
	if i.inherited == nil { // else the old process reports it, with the new main process
		i.manager.ready()
	}
	return nil
}

func (i *instance) onSignal(s os.Signal) {
	if i.successor != nil && i.supervisor.isFirst() {
		i.supervisor.forward(s) // a signal to the first process is meant for the server that runs
	}
	switch {
	case s == syscall.SIGHUP && i.stopped == nil:
		i.reload()
	case s == syscall.SIGUSR2 && i.stopped == nil:
		i.restart(func(control.Answer) {}) // the log says what became of it
	case s == syscall.SIGHUP || s == syscall.SIGUSR2:
	case i.stopSignalled:
		i.log.Warn("stopping at once", zap.Stringer("signal", s))
		i.cancelDrain()
	default:
		i.stopSignalled = true
		i.stop()
	}
}

// heartbeat notifies the service manager's watchdog if all event loops make progress: a stuck loop must not be hidden.
func (i *instance) heartbeat() {
	if i.successor == nil && i.server.Healthy(max(i.manager.watchdog/2, time.Second)) {
		i.manager.alive()
	}
}

// checkMemory gives memory back when the server has become idle, unless the operator leaves that to Go's runtime.
func (i *instance) checkMemory(m *memoryReleaser) {
	if i.conf.ReleaseMemory {
		m.releaseIfIdle()
	}
}

// background returns a context for something that run can end.
func background() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}
