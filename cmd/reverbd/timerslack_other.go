//go:build !linux

package main

import "time"

// loosenTimerSlack does nothing: only Linux has a timer slack.
func loosenTimerSlack(time.Duration) {}
