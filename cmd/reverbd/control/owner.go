package control

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ownerOf returns the user id of a file's owner. Links are not followed.
func ownerOf(path string) (int, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return 0, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return int(st.Uid), nil
}

// identity distinguishes a file from a later one of the same name: its device and inode.
type identity struct{ dev, ino uint64 }

func identityOf(path string) (identity, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return identity{}, fmt.Errorf("control: %w", &os.PathError{Op: "lstat", Path: path, Err: err})
	}
	return identity{uint64(st.Dev), st.Ino}, nil //nolint:unconvert // Dev is not the same type everywhere
}
