//go:build unix

package debuglog

import (
	"os"

	"golang.org/x/sys/unix"
)

// columns is the width of the terminal f, and whether it is one. Some terminals say 0, which is not known.
func columns(f *os.File) (int, bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
