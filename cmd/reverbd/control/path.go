package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Paths finds the control sockets that a user may use.
type Paths struct {
	Lookup func(name string) (string, bool) // the environment
	UID    int
	Root   string // in front of /run and the directory for temporary files; "" but in tests
}

// Name returns the file name of the socket of a server that listens on these addresses.
func Name(addresses []string) string {
	sorted := slices.Sorted(slices.Values(addresses))
	sum := sha256.Sum256([]byte(strings.Join(sorted, "\n")))
	return "reverbd-" + hex.EncodeToString(sum[:6]) + ".sock"
}

// Beside returns the path of the socket of a server that has a pid file.
func Beside(pidFile string) string { return pidFile + ".control" }

// ErrNoDirectory is returned when no directory is safe for the socket.
var ErrNoDirectory = errors.New("control: no directory for the control socket; give --pid-file, and the socket is made beside it")

// ForServer returns the path of a server's socket: in the directory that systemd made for it, that of the user's session,
// /run/reverbd for root, or one of its own among the temporary files. The error joins the reasons against each of them.
func (p Paths) ForServer(name string) (string, error) {
	problems := []error{ErrNoDirectory}
	for _, dir := range p.own() {
		err := p.prepare(dir)
		if err == nil {
			return filepath.Join(dir, name), nil
		}
		problems = append(problems, err)
	}
	return "", errors.Join(problems...)
}

// ForClient returns every path at which a server may have its socket, the likely ones first. For root it includes those of all users.
func (p Paths) ForClient(name string) []string {
	dirs := append(p.own(), filepath.Join(p.Root, "/run/reverbd"), filepath.Join(p.Root, "/run/user", strconv.Itoa(p.UID)))
	if p.UID == 0 {
		for _, pattern := range []string{"/run/user/*", filepath.Join(os.TempDir(), "reverbd-*")} {
			more, _ := filepath.Glob(filepath.Join(p.Root, pattern)) // fails for a bad pattern alone
			dirs = append(dirs, more...)
		}
	}
	var paths []string
	for _, dir := range dirs {
		if path := filepath.Join(dir, name); !slices.Contains(paths, path) && p.safe(dir) == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// own returns the directories that a server of this user may use, best first.
func (p Paths) own() []string {
	var dirs []string
	for _, name := range []string{"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"} {
		if dir, _ := p.Lookup(name); dir != "" {
			dir, _, _ = strings.Cut(dir, ":") // systemd names several so
			dirs = append(dirs, dir)
		}
	}
	if p.UID == 0 {
		dirs = append(dirs, filepath.Join(p.Root, "/run/reverbd"))
	}
	return append(dirs, filepath.Join(p.Root, os.TempDir(), "reverbd-"+strconv.Itoa(p.UID)))
}

// prepare makes dir if it is one of reverbd's own, and refuses one in which another user could create a socket.
func (p Paths) prepare(dir string) error {
	if strings.HasPrefix(filepath.Base(dir), "reverbd") {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("control: %w", err)
		}
	}
	if err := p.safe(dir); err != nil {
		return err
	}
	if owner, _ := ownerOf(dir); owner != p.UID {
		return fmt.Errorf("control: %s belongs to user %d", dir, owner)
	}
	return nil
}

// safe refuses a directory that other users than its owner may write to, and one of another user, unless the owner or this user is root.
func (p Paths) safe(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	owner, err := ownerOf(dir)
	switch {
	case err != nil:
		return fmt.Errorf("control: %w", err)
	case !info.IsDir():
		return fmt.Errorf("control: %s is not a directory", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("control: others may write to %s", dir)
	case owner != p.UID && owner != 0 && p.UID != 0:
		return fmt.Errorf("control: %s belongs to user %d", dir, owner)
	}
	return nil
}
