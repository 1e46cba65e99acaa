package e2e

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is a running program of the system, such as a proxy in front of reverbd.
type program struct {
	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed when the process has ended; err is valid from then on
	err    error
}

// startProgram starts a program in dir, in the foreground. When the test ends the program gets SIGTERM and must end; its output is shown if
// the test has failed.
func startProgram(t *testing.T, dir, name string, args ...string) *program {
	t.Helper()
	p := &program{output: new(output), exited: make(chan struct{}), cmd: exec.Command(requireProgram(t, name), args...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, plainEnvironment(), p.output, p.output
	p.cmd.SysProcAttr, p.cmd.WaitDelay = childAttributes(), time.Second // a child that it left behind may hold its output open
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("%s %s:\n%s", name, strings.Join(args, " "), p.output)
		}
	})
	return p
}

// stop ends the program. It may be called more than once.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
		t.Errorf("%s did not stop after SIGTERM", p.cmd.Path)
	}
}

// await polls until f reports true, or fails when the program has ended or takes too long.
func (p *program) await(t *testing.T, what string, f func() bool) {
	t.Helper()
	end := time.After(startTimeout)
	for !f() {
		select {
		case <-p.exited:
			t.Fatalf("%s ended before %s: %v\n%s", p.cmd.Path, what, p.err, p.output)
		case <-end:
			t.Fatalf("%s: no sign of %s\n%s", p.cmd.Path, what, p.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// requireProgram returns the path of a program. It fails if it is missing, and does not skip: a skipped test would go unnoticed.
func requireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && !strings.Contains(name, "/") {
		path, err = exec.LookPath("/usr/sbin/" + name) // which is not in every PATH
	}
	if err != nil {
		t.Fatalf("%v: make test installs what these tests need", err)
	}
	return path
}

// run runs a program to its end in dir, and returns what it printed. It fails unless the exit code is 0.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), requireProgram(t, name), args...)
	cmd.Dir, cmd.Env = dir, plainEnvironment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// answers reports whether a process listens on a port of 127.0.0.1.
func answers(port int) bool {
	conn, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// ownerOf returns the user of a process.
func ownerOf(t *testing.T, pid string) string {
	t.Helper()
	return strings.TrimSpace(run(t, "/", "ps", "-o", "user=", "-p", pid))
}
