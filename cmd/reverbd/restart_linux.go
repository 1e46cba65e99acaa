package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// takeoverTimeout is how long a new process may take until it serves.
const takeoverTimeout = 60 * time.Second

// successor is a process that has taken over from this one.
type successor struct {
	pid   int
	ended chan struct{} // closed when it has ended
	cmd   *exec.Cmd
}

// exitCode waits for the end. Until it is called an ended process is kept by the system, for the stub to find.
func (s *successor) exitCode() int {
	_ = s.cmd.Wait() // its state says more
	if s.cmd.ProcessState == nil {
		return exitFailure
	}
	status, _ := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return exitCode(status)
}

// terminate sends it SIGTERM.
func (s *successor) terminate() { _ = s.cmd.Process.Signal(syscall.SIGTERM) }

// await closes ended when the process has ended, and leaves its exit code for exitCode to collect.
func (s *successor) await() {
	for {
		err := unix.Waitid(unix.P_PID, s.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			close(s.ended)
			return
		}
	}
}

// startSuccessor starts the program again and returns when the new process serves with the given listeners. Until then nothing has been
// taken from this one; a new process that fails, or is not ready when ctx ends, is gone when it returns.
func startSuccessor(ctx context.Context, p program, addresses []string, listeners []*os.File, webhooks *os.File, v *supervisor) (*successor, error) {
	ctx, cancel := context.WithTimeout(ctx, takeoverTimeout)
	defer cancel()
	reports, report, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the new process: %w", err)
	}
	defer func() { _ = reports.Close() }()

	h := handover{Listeners: addresses, Webhooks: true}
	files := []*os.File{report}
	if v != nil {
		h.First = v.first
		files = append(files, v.far)
	}
	cmd := p.command(h, append(append(files, listeners...), webhooks))
	err = withOriginalTimerSlack(cmd.Start)
	_ = report.Close() // so that the pipe ends with the new process
	if err != nil {
		return nil, fmt.Errorf("starting the new process: %w", err)
	}
	s := &successor{pid: cmd.Process.Pid, ended: make(chan struct{}), cmd: cmd}
	go s.await()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()

	line, _ := bufio.NewReader(reports).ReadString('\n')
	if err := outcome(line); err != nil {
		_ = cmd.Process.Kill() // it ends by itself, unless it hangs
		_ = s.exitCode()
		switch {
		case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
			err = fmt.Errorf("it did not serve within %v", takeoverTimeout)
		case ctx.Err() != nil:
			err = errors.New("this server is being stopped")
		case errors.Is(err, errEndedEarly):
			err = fmt.Errorf("%w (%v)", err, cmd.ProcessState)
		}
		return nil, fmt.Errorf("the new process failed, this one goes on: %w", err)
	}
	return s, nil
}

// program is how this process was started, as far as a new one is started the same way.
type program struct {
	path string // what it was called by, so that a link is followed anew
	dir  string
	args []string
}

// findProgram remembers how this process was started. dir is where it was started, by the name that the shell gave it.
func findProgram(dir string) program {
	p := program{dir: dir, args: os.Args}
	running, err := os.Executable()
	p.path = running
	called, lookErr := exec.LookPath(os.Args[0])
	if err != nil || lookErr != nil {
		return p
	}
	if !filepath.IsAbs(called) {
		called = filepath.Join(dir, called)
	}
	// Only if it is this program: a process may be given any name.
	a, errA := os.Stat(called)
	b, errB := os.Stat("/proc/self/exe")
	if errA == nil && errB == nil && os.SameFile(a, b) {
		p.path = called
	}
	return p
}

func (p program) String() string { return p.path }

// command runs the program with what it inherits. It gets a process group of its own, since signals of the terminal are passed on
// to it and must not come twice.
func (p program) command(h handover, files []*os.File) *exec.Cmd {
	text, _ := json.Marshal(h) // cannot fail
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "PWD=") || strings.HasPrefix(v, "WATCHDOG_PID=") || strings.HasPrefix(v, slackVariable+"=") // they are this process's
	})
	return &exec.Cmd{
		Path: p.path, Args: p.args, Dir: p.dir,
		Env:   append(env, "PWD="+p.dir, handoverVariable+"="+string(text)),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, ExtraFiles: files,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
}

// adoptOrphans has the processes that children of this one leave behind come to this one.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming the parent of later processes: %w", err)
	}
	return nil
}
