package bench

import "errors"

// allName is the scenario that runs all others.
const allName = "all"

var errTooFew = errors.New("bench: --connections: at least 160, which are shared out in some scenarios")

func enough(o Options) error {
	if o.Connections < 160 {
		return errTooFew
	}
	return nil
}

// everything returns the options of all scenarios, derived from those of the scenario all: scenarios about connections have all
// clients, and the others as many as give enough messages in Duration. With the defaults they take a minute and a half.
func (o Options) everything() []Options {
	all := make([]Options, 0, len(Scenarios)-1)
	for _, s := range Scenarios {
		if s.Name != allName {
			all = append(all, o.of(s))
		}
	}
	return all
}

// of returns the options of one scenario of all.
func (o Options) of(s Scenario) Options {
	n, d := o.Connections/8*2, s.Defaults // a quarter, and even
	one := o
	one.Scenario, one.Connections, one.Channels = s.Name, o.Connections, max(d.Channels, 1)
	one.Each, one.Joiners, one.Slow, one.Publishers, one.Batch = d.Each, d.Joiners, d.Slow, d.Publishers, max(d.Batch, 1)
	one.PingInterval = d.PingInterval
	one.Rate, one.Size, one.Baseline = d.Rate, d.Size, o.Baseline && !s.NoBaseline
	switch s.Name {
	case "connect":
		one.Duration = 0
	case "fanout", "presence":
		one.Connections = n
	case "publish":
		one.Connections, one.Channels = n, max(n/2, 1)
	case "channels":
		one.Channels = o.Connections / 2
	case "whisper":
		one.Connections, one.Channels = n, n/2
	case "storm":
		one.Duration = d.Duration
	case "soak":
		one.Connections, one.Duration = 2*n, 2*o.Duration
	case "slow":
		one.Connections, one.Duration = d.Connections, 3*o.Duration
	}
	return one
}
