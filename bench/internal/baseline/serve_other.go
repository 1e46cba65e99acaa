//go:build !linux

package baseline

import (
	"errors"
	"io"
)

// Serve fails: the baseline needs Linux's epoll.
func Serve(io.Reader, io.Writer) error { return errors.New("baseline: it runs only on Linux") }
