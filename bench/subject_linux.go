package bench

import (
	"cmp"
	"net/netip"
	"runtime"

	"reverbd/bench/internal/baseline"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/proc"
)

// subject is the system under test: the server, or the baseline.
type subject struct {
	name      string
	addresses []netip.AddrPort // of all nodes; events are published on the first
	upgrade   []byte
	compress  bool                   // the handshake's answer must accept compression
	dialect   func() dialect.Dialect // a new one for each goroutine
	batch     int                    // events in a request
	pids      []int                  // empty if its usage cannot be read
	threads   []int                  // the threads that count, of the only process; nil: all
	stop      func()
}

func (r *run) server() *subject {
	return &subject{
		name: "server", addresses: r.addresses, upgrade: r.target.AppendUpgrade(nil, r.options.Compress), compress: r.options.Compress,
		batch: r.options.Batch, pids: r.options.ServerPIDs,
		dialect: func() dialect.Dialect { return dialect.NewPusher(r.target, r.messages) },
		stop:    func() {},
	}
}

// baseline starts the baseline.
func (r *run) baseline() (*subject, error) {
	child, err := baseline.Start(r.options.Self(baselineProgram), baseline.Config{Threads: runtime.NumCPU(), Replies: dialect.Replies()})
	if err != nil {
		return nil, err
	}
	return &subject{
		name: "baseline", addresses: []netip.AddrPort{child.Address}, upgrade: r.target.AppendUpgrade(nil, false),
		batch: cmp.Or(r.options.BaselineBatch, r.options.Batch), pids: []int{child.PID}, threads: child.Threads,
		dialect: func() dialect.Dialect { return dialect.NewBaseline(r.target, r.messages) },
		stop:    child.Stop,
	}, nil
}

// usage reads the subject's usage; it is zero for a server on another machine.
func (s *subject) usage() (proc.Usage, error) {
	if s.threads != nil {
		return proc.ReadThreads(s.pids[0], s.threads)
	}
	return proc.Read(s.pids...)
}
