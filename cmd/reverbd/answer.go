package main

import (
	"fmt"
	"os"

	"go.uber.org/zap"

	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/control"
)

// call is a command whose client waits for the answer.
type call struct {
	command control.Command
	answer  chan control.Answer // has room for one
}

func (c call) reply(a control.Answer) { c.answer <- a }

// openControl begins to answer commands. Where the socket cannot be made, as on a read-only file system, the server goes without,
// unless the operator has named a place for it.
func (i *instance) openControl() error {
	path, err := controlPath(i.conf)
	if err == nil {
		i.control, err = control.Listen(path, i.inherited != nil, i.ask)
	}
	if err == nil {
		i.control.OnTail(i.tail)
	}
	if err != nil && i.conf.PidFile == "" {
		i.log.Warn("commands such as reverbd stop will not reach this server", zap.Error(err))
		return nil
	}
	return err
}

// reclaimControl makes the control socket reachable again. A failure is logged once.
func (i *instance) reclaimControl() {
	if i.control == nil {
		return
	}
	path, err := controlPath(i.conf)
	if err == nil {
		err = i.control.Reclaim(path)
	}
	if err != nil && !i.unreachable {
		i.log.Error("commands do not reach this server any longer", zap.Error(err))
	}
	i.unreachable = err != nil
}

func controlPath(conf config.Config) (string, error) {
	if conf.PidFile != "" {
		return control.Beside(conf.PidFile), nil
	}
	return controlPaths().ForServer(control.Name(conf.Addresses()))
}

func controlPaths() control.Paths { return control.Paths{Lookup: os.LookupEnv, UID: os.Geteuid()} }

// ask has run answer a command. Safe for concurrent use.
func (i *instance) ask(command control.Command) control.Answer {
	c := call{command, make(chan control.Answer, 1)}
	select {
	case i.calls <- c:
	case <-i.closed:
		return control.Answer{Error: "the server has ended"}
	}
	select {
	case a := <-c.answer:
		return a
	case <-i.closed:
		return control.Answer{Error: "the server has ended"}
	}
}

func (i *instance) onCall(c call) {
	switch {
	case c.command == control.Status:
		c.reply(control.Answer{Status: i.report()})
	case i.successor != nil:
		c.reply(control.Answer{Error: fmt.Sprintf("process %d has taken over meanwhile; try again", i.successor.pid)})
	case c.command == control.Reload && i.stopped != nil:
		c.reply(control.Answer{Error: "the server is being stopped"})
	case c.command == control.Reload:
		c.reply(i.reload())
	case c.command == control.Restart:
		i.restart(c.reply)
	case c.command == control.Stop:
		i.stop()
		c.reply(control.Answer{Status: i.report()})
	}
}

func (i *instance) report() *control.Report {
	r := &control.Report{
		PID: os.Getpid(), Addresses: i.network.addresses(i.conf.Path), Version: version, Started: i.started,
		Connections: i.server.Connections(), Draining: i.stopped != nil,
	}
	r.Directory, _ = os.Getwd() // it may have been removed
	if i.supervisor != nil && !i.supervisor.isFirst() {
		r.Parent = i.supervisor.first
	}
	for _, a := range i.registry.Apps() {
		r.Apps = append(r.Apps, control.App{ID: a.ID, Connections: a.Connections(), Disabled: a.Disabled})
	}
	r.Cluster = i.others.report()
	r.Counters = i.counters()
	return r
}

// counters are what is worth knowing once it has happened.
func (i *instance) counters() []control.Counter {
	counters := []control.Counter{{Name: "log lines lost", N: i.output.lost()}}
	for _, c := range i.refusals.Counts() {
		counters = append(counters, control.Counter{Name: c.Name, N: c.N})
	}
	return append(counters, i.webhooks.counters()...)
}
