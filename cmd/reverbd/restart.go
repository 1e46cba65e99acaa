package main

import (
	"fmt"
	"os"

	"go.uber.org/zap"

	"reverbd/cmd/reverbd/control"
)

// takeover is the result of an attempt to restart.
type takeover struct {
	successor *successor
	err       error
	reply     func(control.Answer)
}

// restart starts a new process, which inherits the listeners and serves before this one stops accepting. If it fails, this process
// goes on unchanged.
func (i *instance) restart(reply func(control.Answer)) {
	refuse := func(why string) {
		i.log.Warn("no restart", zap.String("because", why))
		reply(control.Answer{Error: why})
	}
	switch {
	case i.stopped != nil:
		refuse("the server is being stopped")
		return
	case i.cancelRestart != nil:
		refuse("the server is being restarted already")
		return
	}
	if err := i.prepare(); err != nil {
		refuse(err.Error())
		return
	}
	state, err := i.webhooks.pipe()
	if err != nil {
		refuse(err.Error())
		return
	}
	listeners, err := i.server.ListenerFiles()
	if err != nil {
		_ = state.Close()
		i.webhooks.keep()
		refuse(err.Error())
		return
	}
	i.log.Info("restarting", zap.Stringer("program", i.program))
	i.manager.reloading()
	ctx, cancel := background()
	i.cancelRestart = cancel
	go func() {
		s, err := startSuccessor(ctx, i.program, i.network.names, listeners, state, i.supervisor)
		for _, f := range append(listeners, state) {
			_ = f.Close()
		}
		i.takeovers <- takeover{s, err, reply}
	}()
}

// prepare makes this process one that can live on for those that follow, unless the service manager is told who follows, or the operator
// does not want a process that waits.
func (i *instance) prepare() error {
	if i.supervisor != nil || i.manager.listens || !i.conf.Supervise {
		return nil
	}
	v, err := newSupervisor()
	if err == nil {
		err = adoptOrphans()
	}
	if err != nil {
		return err
	}
	i.supervisor = v
	return nil
}

// onTakeover is called when the new process serves, or has failed.
func (i *instance) onTakeover(t takeover) {
	i.cancelRestart()
	i.cancelRestart = nil
	if t.err != nil {
		i.log.Error("restart", zap.Error(t.err))
		i.webhooks.keep()
		i.restoreOwnership()
		i.manager.ready()
		t.reply(control.Answer{Error: t.err.Error()})
		return
	}
	i.successor, i.successorEnded = t.successor, t.successor.ended
	i.server.StopAccepting()
	i.admin.close()
	i.webhooks.handOver(i.registry)
	i.supervisor.announce(t.successor.pid)
	i.manager.follow(t.successor.pid)
	i.log.Info("restarted: a new process serves, the connections of this one are told to come back",
		zap.Int("pid", t.successor.pid), zap.Int("connections", i.server.Connections()), zap.Duration("over", i.conf.DrainTimeout))
	t.reply(control.Answer{Notes: []string{fmt.Sprintf("process %d serves, process %d closes its connections", t.successor.pid, os.Getpid())}})
	if i.stopped != nil { // too late to cancel the restart
		t.successor.terminate()
		return
	}
	i.drain(0, i.conf.DrainTimeout)
}

// restoreOwnership restores the control socket and the pid file, which a successor that failed may have replaced.
func (i *instance) restoreOwnership() {
	i.reclaimControl()
	if err := writePidFile(i.conf.PidFile); err != nil {
		i.log.Error("the pid file is wrong", zap.Error(err))
	}
}

// onSuccessorEnd is called when the process that had taken over has ended while this one still has connections. Its exit code is 0
// when it was stopped or restarted. Otherwise no process serves: this one ends too, so that the service manager sees it.
func (i *instance) onSuccessorEnd() {
	i.successorEnded = nil
	code := i.successor.exitCode()
	i.successorCode = &code
	if code == 0 {
		return
	}
	i.log.Error("the process that took over has failed", zap.Int("pid", i.successor.pid), zap.Int("exit code", code))
	i.supervisor.announce(os.Getpid())
	i.manager.follow(os.Getpid())
	i.cancelDrain()
}

// finish is called when this process has nothing left to do. It returns the exit code, or, where this process was started first,
// does not return as long as there is a server.
func (i *instance) finish() int {
	switch {
	case i.successor == nil:
		return 0
	case i.successorCode != nil && (*i.successorCode != 0 || i.supervisor.isFirst() && i.supervisor.latest() == i.successor.pid):
		return *i.successorCode
	case i.supervisor.isFirst():
		i.supervisor.becomeStub(i.signals)
	}
	return 0
}
