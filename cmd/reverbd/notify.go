package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// manager is the service manager that started the server, if one did (systemd's sd_notify(3)). The zero value is none.
type manager struct {
	listens  bool
	watchdog time.Duration // the time within which it expects a heartbeat; 0 for none
	log      *zap.Logger
}

func findManager(log *zap.Logger) (manager, error) {
	m := manager{listens: os.Getenv("NOTIFY_SOCKET") != "", log: log}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return m, fmt.Errorf("the service manager's watchdog: %w", err)
	}
	if m.listens {
		m.watchdog = every
	}
	return m, nil
}

// tell sends assignments such as READY=1.
func (m manager) tell(state ...string) {
	if !m.listens {
		return
	}
	if _, err := daemon.SdNotify(false, strings.Join(state, "\n")); err != nil {
		m.log.Warn("the service manager cannot be told", zap.Strings("what", state), zap.Error(err))
	}
}

// heartbeats returns a channel that ticks twice within the time in which the manager expects a heartbeat; nil if it expects none.
func (m manager) heartbeats() (c <-chan time.Time, stop func()) {
	if m.watchdog <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(max(m.watchdog/2, time.Millisecond))
	return t.C, t.Stop
}

func (m manager) ready()    { m.tell(daemon.SdNotifyReady) }
func (m manager) stopping() { m.tell(daemon.SdNotifyStopping) }
func (m manager) alive()    { m.tell(daemon.SdNotifyWatchdog) }

// reloading begins a reload or a restart, which ends with ready.
func (m manager) reloading() {
	m.tell(daemon.SdNotifyReloading, strings.TrimSpace(daemon.SdNotifyMonotonicUsec()))
}

// follow notifies the manager of the new main process.
func (m manager) follow(pid int) {
	m.tell(fmt.Sprintf("MAINPID=%d", pid), daemon.SdNotifyReady)
}
