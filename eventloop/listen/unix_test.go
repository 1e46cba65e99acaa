package listen

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func socketAt(t *testing.T) Address {
	t.Helper()
	return Address{Path: filepath.Join(t.TempDir(), "s"), Mode: 0o660}
}

func open(t *testing.T, a Address) net.Listener {
	t.Helper()
	l, err := a.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func gone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file is still there:", err)
	}
}

func TestUnixMode(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o660, 0o666} {
		a := socketAt(t)
		a.Mode = mode
		a.Owner = strconv.Itoa(os.Getuid()) + ":" + strconv.Itoa(os.Getgid())
		l := open(t, a)
		if info, err := os.Stat(a.Path); err != nil || info.Mode().Perm() != mode {
			t.Error(info, err)
		}
		_ = l.Close()
		gone(t, a.Path)
	}
}

// A socket on which a server listens stays; the file of a killed server is replaced; a file that is not a socket stays.
func TestUnixTaken(t *testing.T) {
	a := socketAt(t)
	first := open(t, a)
	if _, err := a.Open(t.Context()); err == nil || !strings.Contains(err.Error(), a.Path) || !errors.Is(err, unix.EADDRINUSE) {
		t.Error(err)
	}
	if c, err := net.Dial("unix", a.Path); err != nil {
		t.Error("the first has lost its socket:", err)
	} else {
		_ = c.Close()
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false) // as when it is killed
	_ = first.Close()
	open(t, a)

	plain := socketAt(t)
	if err := os.WriteFile(plain.Path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Open(t.Context()); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, err := os.ReadFile(plain.Path); err != nil || string(b) != "x" {
		t.Error("a file was removed:", err)
	}
}

func TestFromFile(t *testing.T) {
	for _, owned := range []bool{true, false} {
		a := socketAt(t)
		first := open(t, a).(*net.UnixListener)
		f, err := first.File()
		if err != nil {
			t.Fatal(err)
		}
		first.SetUnlinkOnClose(false)
		_ = first.Close()
		second, err := FromFile(f, owned)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := net.Dial("unix", a.Path); err != nil {
			t.Error(err)
		} else {
			_ = c.Close()
		}
		_ = second.Close()
		if _, err := os.Lstat(a.Path); (err == nil) == owned {
			t.Error("owned:", owned, "removed:", err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if l, err := FromFile(r, false); err == nil {
		t.Error("a pipe listens:", l)
	}
}

func TestInheritedOfAnotherProcess(t *testing.T) {
	for _, env := range []map[string]string{
		{}, {"LISTEN_FDS": "1"}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": strconv.Itoa(os.Getpid())},
	} {
		lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
		if all, err := Inherited(lookup); all != nil || err != nil {
			t.Error(env, all, err)
		}
	}
	env := map[string]string{"LISTEN_PID": strconv.Itoa(os.Getpid()), "LISTEN_FDS": "many"}
	if _, err := Inherited(func(name string) (string, bool) { v, ok := env[name]; return v, ok }); err == nil {
		t.Error("many descriptors")
	}
}
