package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// writePidFile writes the id of this process, in one step: a reader never finds a part of it. In a directory that others can write
// to, a link that is planted there is never followed: the temporary file has a name that nobody knows and must not exist, and
// renaming it replaces a link.
func writePidFile(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing the pid file: %w", err)
	}
	_, err = fmt.Fprintln(f, os.Getpid())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil { // everybody may know the id
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing the pid file: %w", err)
	}
	return nil
}

// removePidFile removes the file if it still names this process.
func removePidFile(path string) {
	if pid, err := readPidFile(path); err == nil && pid == os.Getpid() {
		_ = os.Remove(path)
	}
}

func readPidFile(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("reading the pid file: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 1 {
		return 0, fmt.Errorf("the pid file %s does not hold a process id", path)
	}
	return pid, nil
}
