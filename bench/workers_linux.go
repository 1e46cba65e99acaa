package bench

import (
	"os/exec"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/workers"
)

// clients returns the clients for a subject, not yet connected, in Options.Processes processes.
func (r *run) clients(s *subject) (*workers.Pool, error) {
	o := r.fleetOptions(s)
	if r.options.Processes <= 1 {
		fleet, err := client.New(o)
		return workers.Local(fleet), err
	}
	shares := workers.Shares(r.options.Processes, r.scenario.block(r.options))
	total := o.Connections
	o.Share, o.Connections = shares[0], shares[0].Size(total)
	fleet, err := client.New(o)
	if err != nil {
		return nil, err
	}
	return workers.Start(fleet, workers.Config{
		Servers: s.addresses, Sources: r.options.Sources, Upgrade: s.upgrade, Compressed: s.compress,
		Baseline: s.name == baselineProgram, Target: r.target, Messages: r.messages,
		Connections: total, Layout: o.Layout, Streams: o.Streams, Private: r.options.Private, RoomSize: r.options.RoomSize,
	}, shares, func() *exec.Cmd { return r.options.Self(clientsProgram) })
}
