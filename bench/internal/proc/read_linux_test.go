package proc

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReadOurselves(t *testing.T) {
	before, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	kept := make([]byte, 32<<20)
	for i := range kept {
		kept[i] = 1
	}
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); {
	}
	after, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if grown := after.Memory - before.Memory; grown < int64(len(kept)) {
		t.Errorf("memory grew by %d bytes, want at least %d", grown, len(kept))
	}
	if after.Descriptors <= before.Descriptors {
		t.Errorf("%d descriptors became %d with one more open", before.Descriptors, after.Descriptors)
	}
	if after.CPU <= before.CPU {
		t.Errorf("processor time went from %v to %v", before.CPU, after.CPU)
	}
	if cpu, err := CPU(os.Getpid()); err != nil || cpu < after.CPU {
		t.Errorf("CPU = %v, %v, want no less than %v", cpu, err, after.CPU)
	}
	if after.Voluntary == 0 {
		t.Error("no context switches")
	}
	twice, err := Read(os.Getpid(), os.Getpid())
	if err != nil || twice.Descriptors < 2*before.Descriptors {
		t.Errorf("two processes have %d descriptors, %v", twice.Descriptors, err)
	}
	kept[0] = 2 // still there
}

func TestReadThreads(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); {
	}
	one, err := ReadThreads(os.Getpid(), []int{syscall.Gettid()})
	if err != nil {
		t.Fatal(err)
	}
	all, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if one.CPU <= 0 || one.CPU > all.CPU || one.Memory == 0 {
		t.Errorf("one thread used %+v, all of them %+v", one, all)
	}
	if _, err := ReadThreads(os.Getpid(), []int{1}); err == nil {
		t.Error("a thread of another process was read")
	}
}

func TestReadNobody(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip(err)
	}
	_, err := Read(gone.Process.Pid)
	_, err2 := CPU(gone.Process.Pid)
	for _, err := range []error{err, err2} {
		if err == nil || !strings.Contains(err.Error(), "there is no process") {
			t.Errorf("error is %v", err)
		}
	}
}
