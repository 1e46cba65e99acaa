package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Command is a request to a server.
type Command string

// The commands.
const (
	Status  Command = "status"
	Reload  Command = "reload"
	Restart Command = "restart"
	Stop    Command = "stop"
	Tail    Command = "tail" // is answered by lines of JSON until one side has enough
)

// request is the line that a client sends.
type request struct {
	Command Command `json:"command"`
	Selection
}

// Selection is what a Tail is about.
type Selection struct {
	App     string `json:"app,omitempty"`     // id; "" is all
	Channel string `json:"channel,omitempty"` // pattern; "" is everything
}

// Answer is the line that a server sends.
type Answer struct {
	Error  string   `json:"error,omitempty"`  // why the command has not been carried out
	Notes  []string `json:"notes,omitempty"`  // what the operator should know
	Status *Report  `json:"status,omitempty"` // of the server that answers; of the new one after a restart
}

// Report is the answer to Status.
type Report struct {
	PID         int       `json:"pid"`
	Parent      int       `json:"parent,omitempty"`    // the first process, when it waits for this one
	Addresses   []string  `json:"addresses,omitempty"` // where it listens
	Directory   string    `json:"directory,omitempty"` // where it was started
	Version     string    `json:"version"`
	Started     time.Time `json:"started"`
	Connections int       `json:"connections"`
	Draining    bool      `json:"draining"`
	Apps        []App     `json:"apps"`
	Counters    []Counter `json:"counters,omitempty"` // of errors, in the order in which they are shown
	Cluster     *Cluster  `json:"cluster,omitempty"`  // nil for a server that is not one of several nodes
}

// Cluster is the state of a server's connection with the other nodes. The counters count from its start.
type Cluster struct {
	Connected bool  `json:"connected"` // Redis can be used
	Others    int   `json:"others"`    // other nodes
	Waiting   int64 `json:"waiting"`   // bytes that wait to be published
	Sessions  int64 `json:"sessions"`  // times that Redis was reached
	Lost      int64 `json:"lost"`      // events of other nodes that were dropped while this one was overloaded
	Unheard   int64 `json:"unheard"`   // queries that some node did not answer
	Foreign   int64 `json:"foreign"`   // messages on the nodes' channels that no node sent
}

// Counter is how often something has happened since the start of the server.
type Counter struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

// App is one application of a Report.
type App struct {
	ID          string `json:"id"`
	Connections int    `json:"connections"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// maxRequest is more than any request has, in bytes.
const maxRequest = 1024

var (
	errTooLong = errors.New("the request is too long")
	errNoLine  = errors.New("the request is no line of JSON")
)

// readRequest reads one line.
func readRequest(r io.Reader) (request, error) {
	line, err := bufio.NewReaderSize(r, maxRequest).ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return request{}, errTooLong
	case err != nil:
		return request{}, errNoLine
	}
	var q request
	if err := json.Unmarshal(line, &q); err != nil {
		return request{}, errNoLine
	}
	switch q.Command {
	case Status, Reload, Restart, Stop, Tail:
		return q, nil
	}
	return request{}, fmt.Errorf("%.40q is no command", string(q.Command))
}

// writeLine writes v as one line of JSON.
func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
