package main

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// What a process that is to take over reports arrives as it was meant, also a text of several lines.
func TestReports(t *testing.T) {
	for _, want := range []error{nil, errors.New("one line"), errors.New("two\nlines, \"quotes\" and \u2028")} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		h := &handover{report: w}
		if want == nil {
			err = h.ready()
		} else {
			h.failed(want)
		}
		_ = w.Close()
		line, _ := io.ReadAll(r)
		_ = r.Close()
		if err != nil || strings.Count(string(line), "\n") != 1 {
			t.Errorf("reported %q, %v", line, err)
		}
		got := outcome(string(line))
		if want == nil && got != nil || want != nil && (got == nil || got.Error() != want.Error()) {
			t.Errorf("%v arrives as %v", want, got)
		}
	}
	for _, line := range []string{"", "read", "ready?\n"} {
		if err := outcome(line); !errors.Is(err, errEndedEarly) {
			t.Errorf("%q is %v", line, err)
		}
	}
}

// A process that inherits nothing does nothing about it.
func TestNothingInherited(t *testing.T) {
	h, err := inherit()
	if h != nil || err != nil {
		t.Fatal(h, err)
	}
	h.adopt()
	h.failed(errors.New("x"))
	if err := h.ready(); err != nil {
		t.Error(err)
	}
	if l, err := h.listener("127.0.0.1:1"); l != nil || err != nil {
		t.Error(l, err)
	}
	if inheritedSupervisor(h) != nil {
		t.Error("a supervisor out of nothing")
	}
}

func TestInheritRefusesWhatIsNoHandover(t *testing.T) {
	for _, text := range []string{"x", "[]", `{"listeners":1}`} {
		t.Setenv(handoverVariable, text)
		if _, err := inherit(); err == nil || !strings.Contains(err.Error(), handoverVariable) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// An inherited listener is the same socket, and goes to whoever asks for its address, once.
func TestInheritedListener(t *testing.T) {
	old, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	f, err := old.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	h := &handover{files: map[string]*os.File{"here": f}}
	if l, err := h.listener("elsewhere"); l != nil || err != nil {
		t.Error(l, err)
	}
	l, err := h.listener("here")
	if err != nil || l.Addr().String() != old.Addr().String() {
		t.Fatal(l, err)
	}
	defer l.Close()
	if again, err := h.listener("here"); again != nil || err != nil {
		t.Error("it was given twice")
	}
}

func TestPidFileIsOfOneProcess(t *testing.T) {
	path := t.TempDir() + "/pid"
	if err := writePidFile(path); err != nil {
		t.Fatal(err)
	}
	if pid, err := readPidFile(path); err != nil || pid != os.Getpid() {
		t.Errorf("read %d, %v", pid, err)
	}
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	removePidFile(path)
	if _, err := os.Stat(path); err != nil {
		t.Error("that of another process was removed")
	}
	for _, text := range []string{"", "x", "-1", "0", "1 2"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if pid, err := readPidFile(path); err == nil {
			t.Errorf("%q is process %d", text, pid)
		}
	}
	if err := writePidFile(t.TempDir() + "/no/pid"); err == nil {
		t.Error("no error where it cannot be written")
	}
}
