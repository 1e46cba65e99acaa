package report

import "reverbd/bench/internal/latency"

// lines fills a table with a run.
type lines struct {
	t   *table
	run Run
}

func (l lines) all() {
	l.headline()
	if l.run.Server.Messages != nil {
		l.messages()
	}
	l.connections()
	if l.run.Server.Process != nil {
		l.process()
	}
}

// value is a figure of one measurement, and whether it has that figure.
type value func(Measurement) (float64, bool)

// compared adds a line with the ratio to the floor.
func (l lines) compared(name string, get value, write func(float64) string) {
	server, ok := get(l.run.Server)
	if !ok {
		return
	}
	if l.run.Floor == nil {
		l.t.add(name, write(server))
		return
	}
	floor, ok := get(*l.run.Floor)
	switch {
	case !ok:
		l.t.add(name, write(server))
	case floor <= 0:
		l.t.add(name, write(server), write(floor))
	default:
		l.t.add(name, write(server), write(floor), figures(server/floor)+" x")
	}
}

// beside adds a line whose figures are not compared.
func (l lines) beside(name string, get func(Measurement) string) {
	if l.run.Floor == nil {
		l.t.add(name, get(l.run.Server))
		return
	}
	l.t.add(name, get(l.run.Server), get(*l.run.Floor))
}

// count adds a line with an integer.
func (l lines) count(name string, get func(Measurement) int) {
	l.beside(name, func(m Measurement) string { return grouped(int64(get(m))) })
}

func (l lines) headline() {
	l.compared("CPU per delivered message", ofProcess(func(p Process) float64 { return p.PerDelivered }), microseconds)
	l.compared("CPU per published message", ofProcess(func(p Process) float64 { return p.PerPublished }), microseconds)
}

// ofProcess is a figure that is 0 where the scenario has none.
func ofProcess(get func(Process) float64) value {
	return func(m Measurement) (float64, bool) {
		if m.Process == nil {
			return 0, false
		}
		x := get(*m.Process)
		return x, x != 0
	}
}

func (l lines) messages() {
	of := func(get func(Messages) float64) value {
		return func(m Measurement) (float64, bool) { return get(*m.Messages), true }
	}
	l.compared("delivered per second", of(func(m Messages) float64 { return m.DeliveredPerSecond }), figures)
	l.compared("published per second", of(func(m Messages) float64 { return m.PublishedPerSecond }), figures)
	l.count("published", func(m Measurement) int { return m.Messages.Published })
	l.count("expected", func(m Measurement) int { return m.Messages.Expected })
	l.count("delivered", func(m Measurement) int { return int(m.Messages.Delivered) })
	l.count("lost", func(m Measurement) int { return m.Messages.Lost })
	l.count("duplicated", func(m Measurement) int { return int(m.Messages.Duplicated) })
	l.count("out of order", func(m Measurement) int { return int(m.Messages.Reordered) })
	l.latency("latency", func(m Messages) latency.Summary { return m.Latency })
	if l.run.Server.Messages.Request.Count > 0 {
		l.latency("request", func(m Messages) latency.Summary { return m.Request })
	}
}

func (l lines) latency(name string, get func(Messages) latency.Summary) {
	for _, q := range []struct {
		name string
		get  func(latency.Summary) int64
	}{
		{"p50", func(s latency.Summary) int64 { return s.P50 }},
		{"p90", func(s latency.Summary) int64 { return s.P90 }},
		{"p99", func(s latency.Summary) int64 { return s.P99 }},
		{"p99.9", func(s latency.Summary) int64 { return s.P999 }},
		{"max", func(s latency.Summary) int64 { return s.Max }},
	} {
		l.beside(name+" "+q.name, func(m Measurement) string { return microseconds(float64(q.get(get(*m.Messages)))) })
	}
}

func (l lines) connections() {
	of := func(get func(Connections) float64) value {
		return func(m Measurement) (float64, bool) {
			x := get(m.Connections)
			return x, x != 0
		}
	}
	l.count("connections", func(m Measurement) int { return m.Connections.Live })
	l.compared("subscribed per second", of(func(c Connections) float64 { return c.PerSecond }), figures)
	l.compared("CPU per connection", of(func(c Connections) float64 { return c.CPUMicros }), microseconds)
	if l.run.Server.Messages == nil {
		l.beside("memory per connection", func(m Measurement) string {
			if m.Process == nil {
				return "not measured"
			}
			return size(m.Connections.Bytes)
		})
	}
}

func (l lines) process() {
	l.compared("CPU in all", ofProcess(func(p Process) float64 { return p.CPUSeconds }), seconds)
	l.beside("of it in the kernel", func(m Measurement) string { return percent(m.Process.KernelShare) })
	for _, at := range []struct {
		name string
		get  func(Process) Held
	}{
		{"before", func(p Process) Held { return p.Before }},
		{"connected", func(p Process) Held { return p.Connected }},
		{"after", func(p Process) Held { return p.After }},
	} {
		l.beside("memory "+at.name, func(m Measurement) string { return size(float64(at.get(*m.Process).Memory)) })
	}
	l.count("descriptors before", func(m Measurement) int { return m.Process.Before.Descriptors })
	l.count("descriptors connected", func(m Measurement) int { return m.Process.Connected.Descriptors })
	l.count("context switches, waiting", func(m Measurement) int { return int(m.Process.Voluntary) })
	l.count("context switches, pushed off", func(m Measurement) int { return int(m.Process.Involuntary) })
}
