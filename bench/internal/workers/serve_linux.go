package workers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/clock"
)

// progressInterval is the time between two looks at whether there is new progress to report.
const progressInterval = 5 * time.Millisecond

// Serve is the main function of a worker process. It returns when in ends, which happens at the latest when the process that
// started it ends.
func Serve(in io.Reader, out io.Writer) error {
	requests := json.NewDecoder(in)
	var c Config
	if err := requests.Decode(&c); err != nil {
		return fmt.Errorf("workers: reading the configuration: %w", err)
	}
	fleet, err := client.New(c.options())
	if err != nil {
		return err
	}
	s := server{fleet: fleet, out: json.NewEncoder(out)}
	stop := s.reportProgress()
	err = s.serve(requests)
	stop()
	return errors.Join(err, fleet.Close())
}

// server is a worker process.
type server struct {
	fleet    *client.Fleet
	mu       sync.Mutex
	out      *json.Encoder   // under mu
	reported client.Progress // under mu
}

// serve executes requests until in ends.
func (s *server) serve(requests *json.Decoder) error {
	if err := s.respond(response{Ready: true}); err != nil {
		return err
	}
	for {
		var o request
		switch err := requests.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("workers: reading a request: %w", err)
		}
		if err := s.respond(s.execute(o)); err != nil {
			return err
		}
	}
}

func (s *server) execute(o request) response {
	a := response{Ready: true}
	switch f := s.fleet; o.Call {
	case "Connect":
		f.Connect(o.Rate)
	case "Connected":
		a.At = f.Connected()
	case "Storm":
		a.At = f.Storm()
	case "Answer":
		f.Answer(o.Most)
	case "Whisper":
		f.Whisper(o.Most, o.Rate)
	case "StopWhispers":
		f.StopWhispers()
	case "Outcome":
		outcome := f.Outcome()
		a.Outcome = &outcome
	}
	return a
}

// respond writes a response, with the progress added.
func (s *server) respond(a response) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Progress = s.fleet.Progress()
	s.reported = a.Progress
	return s.out.Encode(a)
}

// reportProgress reports progress when it has changed, until stop is called.
func (s *server) reportProgress() (stop func()) {
	return clock.Every(progressInterval, func() bool {
		return s.fleet.Progress() == s.lastReported() || s.respond(response{}) == nil // a failed write means that in is about to end
	})
}

func (s *server) lastReported() client.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reported
}
