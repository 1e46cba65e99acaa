package baseline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"strings"
	"time"
)

// Child is a running baseline process.
type Child struct {
	Address netip.AddrPort
	PID     int
	Threads []int // ids of the threads that serve; the runtime's other threads are not part of the baseline

	command *exec.Cmd
	stdin   io.Closer
}

// Start runs command, which must call Serve, and sets its environment.
func Start(command *exec.Cmd, c Config) (*Child, error) {
	config, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	var complaint strings.Builder
	command.Env = append(command.Env, "GODEBUG=asyncpreemptoff=1")
	command.Stderr = &complaint
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	child := &Child{PID: command.Process.Pid, command: command, stdin: stdin}
	_, _ = stdin.Write(append(config, '\n')) // a failure shows below: no announcement comes
	var line announcement
	if err := json.NewDecoder(stdout).Decode(&line); err != nil {
		child.Stop()
		return nil, fmt.Errorf("baseline: it did not start: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	child.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(line.Port))
	child.Threads = line.Threads
	return child, nil
}

// Stop ends the process and waits until it has ended.
func (c *Child) Stop() {
	_ = c.stdin.Close()
	kill := time.AfterFunc(2*time.Second, func() { _ = c.command.Process.Kill() })
	defer kill.Stop()
	_ = c.command.Wait() // the exit code does not matter
}
