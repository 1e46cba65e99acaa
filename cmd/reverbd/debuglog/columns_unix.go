//go:build unix

package debuglog

import (
	"os"

	"golang.org/x/sys/unix"
)

// columns returns the width of the terminal f, and whether f is one. Some terminals report 0, which means unknown.
func columns(f *os.File) (int, bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
