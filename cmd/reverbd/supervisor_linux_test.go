package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The first process knows the server that was announced last, whoever announced it.
func TestSupervisor(t *testing.T) {
	first, err := newSupervisor()
	if err != nil {
		t.Fatal(err)
	}
	if got := first.latest(); got != os.Getpid() || !first.isFirst() {
		t.Errorf("at first it is %d", got)
	}
	first.announce(101)
	if got := first.latest(); got != 101 {
		t.Errorf("its own successor is 101, not %d", got)
	}
	second := &supervisor{first: first.first, far: first.far, near: -1}
	if second.isFirst() {
		t.Error("the second one is the first")
	}
	orphaned := second.orphaned()
	second.announce(102)
	second.announce(103)
	if got := first.latest(); got != 103 {
		t.Errorf("103 was announced last, not %d", got)
	}
	second.announceStop()
	if got := first.latest(); got != stoppedServer {
		t.Errorf("the last server has stopped, and the first process knows %d", got)
	}
	second.announce(104)
	if got := first.latest(); got != 104 {
		t.Errorf("104 was announced last, not %d", got)
	}
	select {
	case <-orphaned:
		t.Error("the first process is said to be gone")
	default:
	}
	_ = unix.Close(first.near)
	<-orphaned
	var none *supervisor
	none.announce(1)
	none.announceStop()
	if none.isFirst() || none.orphaned() != nil {
		t.Error("a nil supervisor does something")
	}
}

func TestStubFrom(t *testing.T) {
	for _, args := range [][]string{
		{"reverbd"}, {"reverbd", "start"}, {stubName}, {stubName, "x", "1"}, {stubName, "3", ""}, {stubName, "3", "4", "5"}, {"reverbd", "3", "4"},
	} {
		if w := stubFrom(args); w != nil {
			t.Errorf("%q makes a stub", args)
		}
	}
}

// Announcements that arrive in pieces, or are none, leave the last whole one.
func FuzzSupervisorLatest(f *testing.F) {
	f.Add([]byte("101\n102\n"), 3)
	f.Add([]byte("101"), 1)
	f.Add([]byte("\n\nx\n-5\n1\n99999999999999999999\n7\n"), 2)
	f.Fuzz(func(t *testing.T, sent []byte, at int) {
		if len(sent) > 4096 {
			return
		}
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
		w := &supervisor{near: fds[0], server: 42}
		at = min(max(at, 0), len(sent))
		for _, part := range [][]byte{sent[:at], sent[at:]} {
			if _, err := unix.Write(fds[1], part); err != nil {
				t.Fatal(err)
			}
			_ = w.latest()
		}
		want := 42
		lines := strings.Split(string(sent), "\n")
		for _, line := range slices.Backward(lines[:len(lines)-1]) {
			var pid int
			if _, err := fmt.Sscanf(line, "%d", &pid); err == nil && fmt.Sprint(pid) == line && (pid > 1 || pid == stoppedServer) {
				want = pid
				break
			}
		}
		if got := w.latest(); got != want && !strings.ContainsAny(string(sent), "+0") { // +7 and 07 are numbers too
			t.Errorf("%q leaves %d, want %d", sent, got, want)
		}
	})
}
