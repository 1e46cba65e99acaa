//go:build !linux

package baseline

import (
	"errors"
	"io"
)

// Serve fails: the baseline is made of Linux's system calls.
func Serve(io.Reader, io.Writer) error { return errors.New("baseline: it runs only on Linux") }
