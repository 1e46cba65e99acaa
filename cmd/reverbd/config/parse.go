package config

import (
	"strconv"
	"strings"
	"time"
)

// limits are the range of a number, and its name in errors: "a port", "a size in bytes".
type limits struct {
	what     string
	min, max int64
}

func (l *loader) number(s setting, fallback int64, is limits) int64 {
	v, ok := l.find(s)
	if !ok {
		return fallback
	}
	return l.numberOf(v, fallback, is)
}

func (l *loader) numberOf(v value, fallback int64, is limits) int64 {
	text := strings.TrimSpace(v.text)
	if text == "" {
		l.problem(v.from, "is empty; give a number from %d to %d, or remove it", is.min, is.max)
		return fallback
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < is.min || n > is.max {
		l.problem(v.from, "%s is not %s; give a number from %d to %d", v.shown(), is.what, is.min, is.max)
		return fallback
	}
	return n
}

func (l *loader) seconds(s setting, fallback time.Duration, least int64) time.Duration {
	const year = 365 * 24 * 3600
	n := l.number(s, int64(fallback/time.Second), limits{"a number of seconds", least, year})
	return time.Duration(n) * time.Second
}

// duration reads a time with its unit, such as 2ms, from 0 to most.
func (l *loader) duration(s setting, fallback, most time.Duration) time.Duration {
	v, ok := l.find(s)
	if !ok {
		return fallback
	}
	d, err := time.ParseDuration(strings.TrimSpace(v.text))
	if err != nil || d < 0 || d > most {
		l.problem(v.from, "%s is not a time from 0 to %v; give one with its unit, such as %v, or 0", v.shown(), most, fallback)
		return fallback
	}
	return d
}

// boolean reads a boolean in any of the spellings that Laravel, PHP and operators use.
func (l *loader) boolean(s setting, fallback bool) bool {
	v, ok := l.find(s)
	if !ok {
		return fallback
	}
	switch strings.ToLower(strings.TrimSpace(v.text)) {
	case "true", "(true)", "1", "on", "yes":
		return true
	case "false", "(false)", "0", "off", "no", "":
		return false
	}
	l.problem(v.from, "%s is neither yes nor no; give true, 1, on or yes, or false, 0, off, no or nothing", v.shown())
	return fallback
}
