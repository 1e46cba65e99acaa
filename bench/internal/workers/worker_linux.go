package workers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"reverbd/bench/internal/client"
)

// responseTimeout is how long a process may take to respond, or to end, before it is killed.
const responseTimeout = 10 * time.Second

// worker is another process of the pool. Only one call may run at a time; lastProgress and failureReason are safe for concurrent
// use.
type worker struct {
	number    int // of the process, from 2
	size      int // connections
	command   *exec.Cmd
	stdin     io.WriteCloser
	requests  *json.Encoder // to stdin
	stderr    strings.Builder
	responses chan response // to requests
	ended     chan struct{} // closed when the process has ended

	mu       sync.Mutex
	progress client.Progress // the last that the process reported
	failure  string          // why the process ended early; "" while it runs, and after close
	closing  bool
}

// start runs command, which must call Serve, and sends it the Config.
func start(command *exec.Cmd, c Config) (*worker, error) {
	w := &worker{
		number: c.Share.Number + 1, size: c.Share.Size(c.Connections), command: command,
		responses: make(chan response, 1), ended: make(chan struct{}),
	}
	command.Stderr = &w.stderr
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("workers: starting a client process: %w", err)
	}
	w.stdin, w.requests = stdin, json.NewEncoder(stdin)
	go w.read(stdout)
	if _, ok := w.call(c); !ok {
		w.close()
		return nil, fmt.Errorf("workers: %s", w.failureReason())
	}
	return w, nil
}

// read reads the responses of the process until it ends.
func (w *worker) read(stdout io.Reader) {
	said := json.NewDecoder(stdout)
	for {
		var a response
		if said.Decode(&a) != nil {
			break
		}
		w.mu.Lock()
		w.progress = a.Progress
		w.mu.Unlock()
		if a.Ready {
			w.responses <- a
		}
	}
	err := w.command.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closing {
		w.failure = w.describe(err)
	}
	close(w.ended)
}

// describe returns the text of failure.
func (w *worker) describe(err error) string {
	text := fmt.Sprintf("client process %d ended early", w.number)
	if err != nil {
		text += ": " + err.Error()
	}
	if said := strings.TrimSpace(w.stderr.String()); said != "" {
		text += ": " + said
	}
	return text
}

// call sends a request, or the Config, and waits for the response. ok is false if the process has ended.
func (w *worker) call(what any) (a response, ok bool) {
	kill := time.AfterFunc(responseTimeout, func() { _ = w.command.Process.Kill() })
	defer kill.Stop()
	if w.requests.Encode(what) != nil {
		<-w.ended
		return a, false
	}
	select {
	case a = <-w.responses:
		return a, true
	case <-w.ended:
		return a, false
	}
}

// failureReason returns why the process ended early, or "".
func (w *worker) failureReason() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// lastProgress returns the progress that the process last reported. The clients of a process that ended early count as lost, or as
// refused if they never were live.
func (w *worker) lastProgress() client.Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.progress
	if w.failure != "" {
		p.Refused += w.size - p.Live - p.Lost - p.Refused
		p.Lost, p.Live = p.Lost+p.Live, 0
	}
	return p
}

// outcome returns the outcome of the process's fleet. For a process that ended early it is derived from the last progress.
func (w *worker) outcome() client.Outcome {
	if a, ok := w.call(request{Call: "Outcome"}); ok && a.Outcome != nil {
		return *a.Outcome
	}
	p, why := w.lastProgress(), w.failureReason()
	o := client.NewOutcome()
	o.Counts.Delivered = int64(p.Delivered)
	if p.Refused > 0 {
		o.Refusals[why] = p.Refused
	}
	if p.Lost > 0 {
		o.Losses[why] = p.Lost
	}
	return o
}

// close ends the process and waits until it has ended.
func (w *worker) close() {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	_ = w.stdin.Close()
	kill := time.AfterFunc(responseTimeout, func() { _ = w.command.Process.Kill() })
	defer kill.Stop()
	<-w.ended
}
