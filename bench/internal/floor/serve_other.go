//go:build !linux

package floor

import (
	"errors"
	"io"
)

// Serve fails: the floor is made of Linux's system calls.
func Serve(io.Reader, io.Writer) error { return errors.New("floor: it runs only on Linux") }
