//go:build !linux

package workers

import (
	"errors"
	"io"
)

// Serve fails: see the error.
func Serve(io.Reader, io.Writer) error { return errors.New("workers: only Linux has epoll") }
