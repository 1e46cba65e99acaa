package main

import (
	"strings"

	"go.uber.org/zap"

	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/control"
	"reverbd/eventloop"
)

// reload reads the configuration again and makes what a running server can change hold at once. A mistake anywhere changes nothing.
func (i *instance) reload() control.Answer {
	i.manager.reloading()
	defer i.manager.ready()
	conf, err := i.reread()
	if err != nil {
		i.log.Error("reload: nothing has been changed", zap.Error(err))
		return control.Answer{Error: "nothing has been changed\n" + err.Error()}
	}
	became, err := i.registry.Replace(conf.Apps)
	if err != nil {
		i.log.Error("reload: nothing has been changed", zap.Error(err))
		return control.Answer{Error: "nothing has been changed\n" + err.Error()}
	}
	i.webhooks.reconfigure(conf.Apps, i.registry)
	i.console.Refresh()
	i.server.Limit(eventloop.Limits{MaxRequestSize: conf.MaxRequestSize, SlowConsumerBytes: conf.SlowConsumerBytes})
	i.level.SetLevel(conf.LogLevel)

	var notes []string
	if c := i.network.certificates; c != nil {
		if err := c.Reload(); err != nil { // config has read the files a moment ago
			i.log.Error("reload: the certificate before stays", zap.Error(err))
			notes = append(notes, "the certificate before stays: "+err.Error())
		}
	}
	if names := config.NeedsRestart(i.conf, conf); names != nil {
		notes = append(notes, "needs a restart: "+strings.Join(names, ", "))
		i.log.Warn("reload: some of it needs a restart", zap.Strings("what", names))
	}
	i.conf.Apps, i.conf.Lifecycle = conf.Apps, reloaded(i.conf.Lifecycle, conf.Lifecycle)
	i.conf.MaxRequestSize, i.conf.SlowConsumerBytes = conf.MaxRequestSize, conf.SlowConsumerBytes
	i.log.Info("reloaded", zap.Strings("apps added", became.Added), zap.Strings("changed", became.Changed),
		zap.Strings("disabled", became.Disabled), zap.Strings("removed", became.Removed))
	for _, group := range []struct {
		what string
		ids  []string
	}{{"added", became.Added}, {"changed", became.Changed}, {"disabled", became.Disabled}, {"removed", became.Removed}} {
		if len(group.ids) > 0 {
			notes = append(notes, "apps "+group.what+": "+strings.Join(group.ids, ", "))
		}
	}
	return control.Answer{Notes: append(notes, conf.Notes...)}
}

// reloaded is what of the lifecycle a reload changes.
func reloaded(running, read config.Lifecycle) config.Lifecycle {
	read.PidFile = running.PidFile
	return read
}
