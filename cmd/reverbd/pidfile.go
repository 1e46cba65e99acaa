package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// writePidFile writes the id of this process, in one step: a reader never finds a part of it.
func writePidFile(path string) error {
	if path == "" {
		return nil
	}
	temporary := path + "." + strconv.Itoa(os.Getpid())
	err := os.WriteFile(temporary, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644) //nolint:gosec // it is public
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = os.Remove(temporary)
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
