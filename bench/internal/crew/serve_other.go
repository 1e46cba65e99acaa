//go:build !linux

package crew

import (
	"errors"
	"io"
)

// Serve fails: see the error.
func Serve(io.Reader, io.Writer) error { return errors.New("crew: only Linux has epoll") }
