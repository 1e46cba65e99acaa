package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	maxAnswer   = 16 << 20 // bytes: more than the report of ten thousand apps
)

// Client is a connection to a server's control socket.
type Client struct {
	conn *net.UnixConn
	// PID is the process that answers.
	PID int
}

// NoServerError reports that no server answers at any of the paths.
type NoServerError struct {
	Paths []string
	Stale string // a socket of a server that was killed, or ""
}

// Error implements error.
func (e *NoServerError) Error() string {
	if e.Stale != "" {
		return "control: the server that had " + e.Stale + " does not run any longer; it was killed"
	}
	if len(e.Paths) == 0 {
		return "control: no server of this user runs, because no directory for control sockets exists"
	}
	return "control: no server runs with this configuration; looked for " + strings.Join(e.Paths, ", ")
}

// Dial reaches the server at the first of the paths at which there is one. uid is the user of this process: the server must
// run as that user or as root, unless uid is root.
func Dial(paths []string, uid int) (*Client, error) {
	missing := &NoServerError{Paths: paths}
	for _, path := range paths {
		c, err := net.DialTimeout("unix", path, dialTimeout)
		switch {
		case err == nil:
			return identify(c.(*net.UnixConn), path, uid)
		case isStale(err):
			missing.Stale = path
		case errors.Is(err, os.ErrNotExist):
		default:
			return nil, fmt.Errorf("control: %w", err)
		}
	}
	return nil, missing
}

func identify(c *net.UnixConn, path string, uid int) (*Client, error) {
	pid, owner, err := peerOf(c)
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("control: %s: %w", path, err)
	}
	if uid != 0 && owner != uid && owner != 0 {
		_ = c.Close()
		return nil, fmt.Errorf("control: at %s is a process of user %d", path, owner)
	}
	return &Client{conn: c, PID: pid}, nil
}

// Call sends a command, waits at most that long for the answer, and closes the connection. A refusal of the server is in the
// Answer, not in the error.
func (c *Client) Call(command Command, wait time.Duration) (Answer, error) {
	defer func() { _ = c.conn.Close() }()
	_ = c.conn.SetDeadline(time.Now().Add(wait))
	if err := writeLine(c.conn, request{Command: command}); err != nil {
		return Answer{}, fmt.Errorf("control: asking process %d: %w", c.PID, err)
	}
	var a Answer
	line, err := bufio.NewReader(io.LimitReader(c.conn, maxAnswer)).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("control: process %d did not answer: %w", c.PID, err)
	}
	return a, nil
}

// Tail passes each line of the stream to f until the server ends it, which is no error, or f fails. It closes the connection.
func (c *Client) Tail(s Selection, f func(line []byte) error) error {
	defer func() { _ = c.conn.Close() }()
	if err := writeLine(c.conn, request{Command: Tail, Selection: s}); err != nil {
		return fmt.Errorf("control: asking process %d: %w", c.PID, err)
	}
	lines := bufio.NewReader(c.conn)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("control: process %d: %w", c.PID, err)
		}
		if err := f(line); err != nil {
			return err
		}
	}
}
