//go:build !linux

package proc

import (
	"errors"
	"time"
)

var errNotLinux = errors.New("proc: only Linux tells what another process uses")

// Read fails: it needs Linux.
func Read(...int) (Usage, error) { return Usage{}, errNotLinux }

// CPU fails: it needs Linux.
func CPU(...int) (time.Duration, error) { return 0, errNotLinux }

// Memory fails: it needs Linux.
func Memory(...int) (int64, error) { return 0, errNotLinux }
