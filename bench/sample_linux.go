package bench

import (
	"sync"
	"time"

	"reverbd/bench/internal/proc"
	"reverbd/bench/internal/report"
)

const (
	// sampleEvery is the first sampling interval. Reading a server's memory stops the server for about as long as the kernel walks
	// its page table: a millisecond for 100 MiB.
	sampleEvery = 250 * time.Millisecond
	// maxSamples bounds the number of samples. At the limit every other sample is dropped, and the interval doubles.
	maxSamples = 1200
)

// sampler samples a measurement on a goroutine of its own.
type sampler struct {
	m       *measurement
	begun   time.Time
	cpu     time.Duration // at the beginning
	every   time.Duration
	samples []report.Sample
	stop    chan struct{}
	ended   sync.WaitGroup
}

// sample starts a sampler. end stops it and returns the samples.
func (m *measurement) sample() (end func() []report.Sample) {
	s := &sampler{m: m, begun: time.Now(), every: sampleEvery, stop: make(chan struct{})}
	s.cpu, _ = proc.CPU(m.subject.pids...)
	s.ended.Go(s.run)
	return func() []report.Sample {
		close(s.stop)
		s.ended.Wait()
		return s.samples
	}
}

func (s *sampler) run() {
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	for {
		s.take()
		select {
		case <-s.stop:
			s.take()
			return
		case <-ticker.C:
		}
		if len(s.samples) >= maxSamples {
			s.downsample()
			ticker.Reset(s.every)
		}
	}
}

// take adds one sample. For a process that has ended the values are 0; the run reports the end itself.
func (s *sampler) take() {
	sample := report.Sample{Seconds: time.Since(s.begun).Seconds()}
	if s.m.fleet != nil { // nil in a scenario that consists of others
		p := s.m.fleet.Progress()
		sample.Live, sample.Delivered = p.Live, p.Delivered
	}
	if pids := s.m.subject.pids; len(pids) > 0 {
		used, _ := proc.CPU(pids...)
		sample.CPU = max(0, (used - s.cpu).Seconds())
		sample.Memory, _ = proc.Memory(pids...)
	}
	s.samples = append(s.samples, sample)
}

// downsample drops every other sample.
func (s *sampler) downsample() {
	for i := range len(s.samples) / 2 {
		s.samples[i] = s.samples[2*i]
	}
	s.samples = s.samples[:len(s.samples)/2]
	s.every *= 2
}
