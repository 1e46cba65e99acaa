package bench

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/report"
)

var errPrefixes = errors.New("bench: --url: all nodes must have their routes below the same path")

// run is the state that all runs of one scenario share.
type run struct {
	options   Options
	scenario  Scenario
	target    dialect.Target   // the first node
	addresses []netip.AddrPort // of all nodes
	messages  dialect.Messages
}

// Run runs a scenario. When ctx is done it ends early, and the report has what was measured until then. An error means that the
// scenario could not be run; faults of the server are in the report.
func Run(ctx context.Context, o Options) (report.Report, error) {
	result := report.Report{Version: o.Version, Begun: time.Now(), URL: strings.Join(o.URLs, ", "), Machine: machine()}
	if err := o.Validate(); err != nil {
		return result, err
	}
	if o.Scenario == allName {
		return everything(ctx, o, result)
	}
	r := run{options: o}
	r.scenario, _ = find(o.Scenario)
	r.messages = dialect.Messages{Prefix: r.scenario.prefix, Size: o.Size}
	if err := r.find(ctx); err != nil {
		return result, err
	}
	r.target.AppID, r.target.Key, r.target.Secret = o.AppID, o.Key, o.Secret
	if err := r.preflight(ctx); err != nil {
		return result, err
	}
	for len(result.Runs) < o.Repeat && ctx.Err() == nil {
		once, err := r.once(ctx)
		if err != nil {
			return result, err
		}
		result.Runs = append(result.Runs, once)
	}
	return result, nil
}

// find resolves the addresses of all nodes.
func (r *run) find(ctx context.Context) error {
	for i, url := range r.options.URLs {
		t, err := dialect.ParseTarget(ctx, url)
		if err != nil {
			return err
		}
		if i == 0 {
			r.target = t
		}
		if t.Prefix != r.target.Prefix {
			return errPrefixes
		}
		r.addresses = append(r.addresses, t.Address)
	}
	return nil
}

// once runs the scenario once, against the server, and with Options.Baseline also against the baseline.
func (r *run) once(ctx context.Context) (report.Run, error) {
	result := report.Run{Scenario: r.scenario.Name, Parameters: r.parameters()}
	var err error
	if result.Server, err = r.measure(ctx, r.server()); err != nil || !r.options.Baseline || ctx.Err() != nil {
		return result, err
	}
	bare, err := r.baseline()
	if err != nil {
		return result, err
	}
	defer bare.stop()
	baseline, err := r.measure(ctx, bare)
	result.Baseline = &baseline
	return result, err
}

func (r *run) parameters() report.Parameters {
	o := r.options
	p := report.Parameters{Connections: o.Connections, Channels: o.Channels, Rate: o.Rate, Processes: max(1, o.Processes), Compressed: o.Compress}
	if o.Each > 1 {
		p.Each = o.Each
	}
	p.Private, p.RoomSize = o.Private, o.RoomSize
	if r.scenario.idles {
		p.Duration, p.PingInterval = o.Duration, o.PingInterval
	}
	if len(o.URLs) > 1 {
		p.Nodes = len(o.URLs)
	}
	if r.scenario.sends {
		p.Size, p.Events, p.Duration = o.Size, o.Events, o.Duration
	}
	if r.scenario.publishes {
		p.Publishers, p.Batch, p.NewConnections = o.Publishers, o.Batch, o.NewConns
	}
	return p
}
