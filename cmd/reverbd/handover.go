package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"reverbd/eventloop/listen"
)

// handoverVariable is the environment variable that describes to a successor what it inherits. It is internal.
const handoverVariable = "REVERBD_HANDOVER"

// handover is what a process inherits that takes over from a server. The descriptors are, from 3 on: the pipe on which it reports,
// the link to the process that was started first (only if First is not 0), the listeners, and (only if Webhooks is set)
// the pipe on which it is told which webhooks are left to it.
type handover struct {
	Listeners []string `json:"listeners"`       // their names: the configured addresses
	First     int      `json:"first,omitempty"` // the process that was started first and waits for those that follow
	Webhooks  bool     `json:"webhooks,omitempty"`

	report *os.File
	link   *os.File
	left   *os.File // of webhooks
	files  map[string]*os.File
}

// inherit returns what this process inherits, or nil.
func inherit() (*handover, error) {
	text := os.Getenv(handoverVariable)
	if text == "" {
		return nil, nil
	}
	h := &handover{files: make(map[string]*os.File)}
	err := json.Unmarshal([]byte(text), h)
	fd := 3
	next := func(name string) *os.File {
		if err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		}
		if err != nil {
			return nil // and not a File that closes something else
		}
		fd++
		return os.NewFile(uintptr(fd-1), name)
	}
	h.report = next("report")
	if h.First != 0 {
		h.link = next("link")
	}
	for _, address := range h.Listeners {
		h.files[address] = next(address)
	}
	if h.Webhooks {
		h.left = next("webhooks")
	}
	if err != nil {
		return nil, fmt.Errorf("%s is set by a server that is restarted, and not to something that can be used (%w); unset it",
			handoverVariable, err)
	}
	return h, nil
}

// adopt sets close-on-exec on what is inherited, so that children of this process do not get it.
func (h *handover) adopt() {
	if h == nil {
		return
	}
	_ = os.Unsetenv(handoverVariable) // fails for an invalid name alone
	unix.CloseOnExec(int(h.report.Fd()))
	if h.link != nil {
		unix.CloseOnExec(int(h.link.Fd()))
	}
	if h.left != nil {
		unix.CloseOnExec(int(h.left.Fd()))
	}
	for _, f := range h.files {
		unix.CloseOnExec(int(f.Fd()))
	}
}

// webhooks is the pipe on which the process before tells which webhooks are left; nil without one.
func (h *handover) webhooks() *os.File {
	if h == nil {
		return nil
	}
	return h.left
}

// activationPrefix begins the names of sockets that systemd has opened.
const activationPrefix = "systemd:"

// has reports whether the listener of that name is inherited.
func (h *handover) has(name string) bool { return h != nil && h.files[name] != nil }

// activated are the names of inherited sockets that systemd has opened.
func (h *handover) activated() (names []string) {
	if h == nil {
		return nil
	}
	for _, name := range h.Listeners {
		if strings.HasPrefix(name, activationPrefix) {
			names = append(names, name)
		}
	}
	return names
}

// listener is the inherited one of that name, or nil.
func (h *handover) listener(name string) (net.Listener, error) {
	if !h.has(name) {
		return nil, nil
	}
	f := h.files[name]
	delete(h.files, name)
	l, err := listen.FromFile(f, false)
	if err != nil {
		return nil, fmt.Errorf("taking over the listener of %s: %w", name, err)
	}
	return l, nil
}

// What a process that is to take over reports.
const (
	reportReady  = "ready"
	reportFailed = "failed: "
)

// ready reports to the old server that this one serves, and closes listeners that are no longer configured.
func (h *handover) ready() error {
	if h == nil {
		return nil
	}
	for _, f := range h.files {
		_ = f.Close()
	}
	_, err := h.report.WriteString(reportReady + "\n")
	if err != nil {
		return fmt.Errorf("the server that this one was to take over from is gone: %w", err)
	}
	return h.report.Close()
}

// failed reports to the old server why this one does not serve. It has no effect after ready.
func (h *handover) failed(err error) {
	if h == nil || err == nil {
		return
	}
	line, _ := json.Marshal(err.Error()) // a text can always be encoded
	_, _ = h.report.WriteString(reportFailed + string(line) + "\n")
}

// outcome returns the error that the line of a successor reports, nil if it serves; "" means that it ended without a report.
func outcome(line string) error {
	line = strings.TrimSuffix(line, "\n")
	if line == reportReady {
		return nil
	}
	if text, ok := strings.CutPrefix(line, reportFailed); ok {
		if plain, err := strconv.Unquote(text); err == nil {
			text = plain
		}
		return errors.New(text)
	}
	return errEndedEarly
}

var errEndedEarly = errors.New("it ended before it served")
