package crew

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
	"reverbd/bench/internal/latency"
)

// answerTime is how long a process may take to answer before it counts as dead, and to end before it is killed.
const answerTime = 10 * time.Second

// member is another process of the crew. One order at a time may be given; Progress and death may be asked from anywhere.
type member struct {
	number    int // of the process, from 2
	size      int // connections
	command   *exec.Cmd
	stdin     io.WriteCloser
	orders    *json.Encoder // to stdin
	complaint strings.Builder
	answers   chan answer   // to orders
	ended     chan struct{} // closed once it is gone

	mu       sync.Mutex
	progress client.Progress // the last that it told
	death    string          // why it is gone, "" while it is not or was told to
	closing  bool
}

// start runs command, which is to call Serve.
func start(command *exec.Cmd, c Config) (*member, error) {
	m := &member{
		number: c.Share.Number + 1, size: c.Share.Size(c.Connections), command: command,
		answers: make(chan answer, 1), ended: make(chan struct{}),
	}
	command.Stderr = &m.complaint
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("crew: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("crew: starting a client process: %w", err)
	}
	m.stdin, m.orders = stdin, json.NewEncoder(stdin)
	go m.listen(stdout)
	if _, ok := m.exchange(c); !ok {
		m.close()
		return nil, fmt.Errorf("crew: %s", m.died())
	}
	return m, nil
}

// listen takes in what the process says, until it is gone.
func (m *member) listen(stdout io.Reader) {
	said := json.NewDecoder(stdout)
	for {
		var a answer
		if said.Decode(&a) != nil {
			break
		}
		m.mu.Lock()
		m.progress = a.Progress
		m.mu.Unlock()
		if a.Ready {
			m.answers <- a
		}
	}
	err := m.command.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closing {
		m.death = m.describe(err)
	}
	close(m.ended)
}

// describe says how the process ended.
func (m *member) describe(err error) string {
	text := fmt.Sprintf("client process %d ended early", m.number)
	if err != nil {
		text += ": " + err.Error()
	}
	if said := strings.TrimSpace(m.complaint.String()); said != "" {
		text += ": " + said
	}
	return text
}

// exchange says something, such as an order, and waits for the answer. It reports false if the process is dead.
func (m *member) exchange(what any) (a answer, ok bool) {
	kill := time.AfterFunc(answerTime, func() { _ = m.command.Process.Kill() })
	defer kill.Stop()
	if m.orders.Encode(what) != nil {
		<-m.ended
		return a, false
	}
	select {
	case a = <-m.answers:
		return a, true
	case <-m.ended:
		return a, false
	}
}

// died says why the process is gone, "" if it is not.
func (m *member) died() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.death
}

// soFar is how far the process is. The clients of a dead one are lost, or refused if they never were live.
func (m *member) soFar() client.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.progress
	if m.death != "" {
		p.Refused += m.size - p.Live - p.Lost - p.Refused
		p.Lost, p.Live = p.Lost+p.Live, 0
	}
	return p
}

// outcome is what the process has seen; of a dead one it is only what is certain.
func (m *member) outcome() client.Outcome {
	if a, ok := m.exchange(order{Call: "Outcome"}); ok && a.Outcome != nil {
		return *a.Outcome
	}
	p, why := m.soFar(), m.died()
	o := client.Outcome{Latency: latency.New(), Refusals: client.Reasons{}, Losses: client.Reasons{}}
	o.Counts.Delivered = int64(p.Delivered)
	if p.Refused > 0 {
		o.Refusals[why] = p.Refused
	}
	if p.Lost > 0 {
		o.Losses[why] = p.Lost
	}
	return o
}

// close has the process end, and waits for that.
func (m *member) close() {
	m.mu.Lock()
	m.closing = true
	m.mu.Unlock()
	_ = m.stdin.Close()
	kill := time.AfterFunc(answerTime, func() { _ = m.command.Process.Kill() })
	defer kill.Stop()
	<-m.ended
}
