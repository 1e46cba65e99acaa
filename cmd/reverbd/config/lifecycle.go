package config

import (
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// Lifecycle is how a server is found, how it ends, and what it logs until then.
type Lifecycle struct {
	PidFile      string        // absolute; "" is none
	LogLevel     zapcore.Level // what is logged at least
	DrainDelay   time.Duration // from the request to stop, with /up answering 503, until connections are closed
	DrainTimeout time.Duration // over which connections are closed

	Supervise     bool // the first process stays after a restart, for a service manager that knows no other
	ReleaseMemory bool // give memory back to the system when the server becomes idle
}

const defaultDrainTimeout = 5 * time.Second

func (l *loader) lifecycle() Lifecycle {
	return Lifecycle{
		PidFile:    l.pidFile(),
		LogLevel:   l.logLevel(setting{"log-level", "REVERB_LOG_LEVEL", "servers.reverb.log_level"}),
		DrainDelay: l.seconds(setting{"drain-delay", "REVERB_DRAIN_DELAY", "servers.reverb.drain_delay"}, 0, 0),
		DrainTimeout: l.seconds(setting{"drain-timeout", "REVERB_DRAIN_TIMEOUT", "servers.reverb.drain_timeout"},
			defaultDrainTimeout, 0),
		Supervise:     l.boolean(setting{"supervise", "REVERB_SUPERVISE", "servers.reverb.supervise"}, true),
		ReleaseMemory: l.boolean(setting{"release-memory", "REVERB_RELEASE_MEMORY", "servers.reverb.release_memory"}, true),
	}
}

func (l *loader) pidFile() string {
	v, _ := l.find(setting{"pid-file", "REVERB_PID_FILE", "servers.reverb.pid_file"})
	if v.text == "" || filepath.IsAbs(v.text) {
		return v.text
	}
	return filepath.Join(l.dir, v.text)
}

func (l *loader) logLevel(s setting) zapcore.Level {
	v, ok := l.find(s)
	if !ok {
		return zapcore.InfoLevel
	}
	switch strings.ToLower(strings.TrimSpace(v.text)) {
	case "debug":
		return zapcore.DebugLevel
	case "info":
		return zapcore.InfoLevel
	case "warn", "warning":
		return zapcore.WarnLevel
	case "error":
		return zapcore.ErrorLevel
	}
	l.problem(v.from, "%s is not a level; give debug, info, warn or error", v.shown())
	return zapcore.InfoLevel
}
