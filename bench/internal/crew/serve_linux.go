package crew

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

// tellEvery is how often a process looks whether there is progress to tell.
const tellEvery = 5 * time.Millisecond

// Serve is the program that has one share. It runs until in ends, which it does when whoever started it is gone.
func Serve(in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(in)
	var c Config
	if err := orders.Decode(&c); err != nil {
		return fmt.Errorf("crew: reading the configuration: %w", err)
	}
	fleet, err := client.New(c.options())
	if err != nil {
		return err
	}
	s := server{fleet: fleet, out: json.NewEncoder(out)}
	stop := s.tell()
	err = s.obey(orders)
	stop()
	return errors.Join(err, fleet.Close())
}

// server is a process of the crew.
type server struct {
	fleet *client.Fleet
	mu    sync.Mutex
	out   *json.Encoder // under mu
	told  client.Progress
}

// obey carries orders out until there are no more.
func (s *server) obey(orders *json.Decoder) error {
	if err := s.answer(answer{Ready: true}); err != nil {
		return err
	}
	for {
		var o order
		switch err := orders.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("crew: reading an order: %w", err)
		}
		if err := s.answer(s.carryOut(o)); err != nil {
			return err
		}
	}
}

func (s *server) carryOut(o order) answer {
	a := answer{Ready: true}
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
	default:
		a.Error = "no order " + o.Call
	}
	return a
}

// answer says something, and how far the fleet is.
func (s *server) answer(a answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Progress = s.fleet.Progress()
	s.told = a.Progress
	return s.out.Encode(a)
}

// tell says how far the fleet is whenever it is further, until stop is called.
func (s *server) tell() (stop func()) {
	return clock.Every(tellEvery, func() bool {
		return s.fleet.Progress() == s.lastTold() || s.answer(answer{}) == nil // else nobody listens: in is about to end
	})
}

func (s *server) lastTold() client.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}
