package report

import "reverbd/bench/internal/latency"

// Figures returns the figures of runs with the same scenario and parameters, at least one, in the order of the table.
func Figures(runs []Run) []Figure {
	l := lines{runs: runs}
	l.all()
	return l.figures
}

// lines collects figures.
type lines struct {
	runs    []Run
	figures []Figure
}

func (l *lines) all() {
	l.headline()
	if l.runs[0].Server.Messages != nil {
		l.messages()
	}
	l.details()
	l.connections()
	if l.runs[0].Server.Process != nil {
		l.process()
	}
}

// value returns a figure of one measurement, and whether the measurement has it.
type value func(Measurement) (float64, bool)

// compared adds a line with the ratio to the baseline.
func (l *lines) compared(name string, unit Unit, get value) {
	if !l.beside(name, unit, get) {
		return
	}
	var ratios []float64
	for _, run := range l.runs {
		if run.Baseline == nil {
			continue
		}
		server, ok1 := get(run.Server)
		baseline, ok2 := get(*run.Baseline)
		if ok1 && ok2 && baseline > 0 {
			ratios = append(ratios, server/baseline)
		}
	}
	if len(ratios) > 0 {
		l.figures[len(l.figures)-1].Ratio = spread(Times, ratios)
	}
}

// beside adds a line without a ratio, if any run has the figure.
func (l *lines) beside(name string, unit Unit, get value) bool {
	var server, baseline []float64
	for _, run := range l.runs {
		if x, ok := get(run.Server); ok {
			server = append(server, x)
		}
		if run.Baseline == nil {
			continue
		}
		if x, ok := get(*run.Baseline); ok {
			baseline = append(baseline, x)
		}
	}
	if len(server) == 0 {
		return false
	}
	f := Figure{Name: name, Unit: unit, Server: *spread(unit, server)}
	if len(baseline) > 0 {
		f.Baseline = spread(unit, baseline)
	}
	l.figures = append(l.figures, f)
	return true
}

func (l *lines) headline() {
	l.compared("CPU per delivered message", Microseconds, ofProcess(func(p Process) float64 { return p.PerDelivered }))
	l.compared("CPU per published message", Microseconds, ofProcess(func(p Process) float64 { return p.PerPublished }))
}

// ofProcess is a value of the process that is 0 where the scenario does not have it.
func ofProcess(get func(Process) float64) value {
	return func(m Measurement) (float64, bool) {
		if m.Process == nil {
			return 0, false
		}
		x := get(*m.Process)
		return x, x != 0
	}
}

// ofMessages is a value of measurements that have sent messages.
func ofMessages(get func(Messages) float64) value {
	return func(m Measurement) (float64, bool) {
		if m.Messages == nil {
			return 0, false
		}
		return get(*m.Messages), true
	}
}

func (l *lines) messages() {
	l.compared("delivered per second", PerSecond, ofMessages(func(m Messages) float64 { return m.DeliveredPerSecond }))
	l.compared("published per second", PerSecond, ofMessages(func(m Messages) float64 { return m.PublishedPerSecond }))
	for _, count := range []struct {
		name string
		unit Unit
		get  func(Messages) int64
	}{
		{"published", Count, func(m Messages) int64 { return int64(m.Published) }},
		{"expected", Count, func(m Messages) int64 { return int64(m.Expected) }},
		{"delivered", Count, func(m Messages) int64 { return m.Delivered }},
		{"lost", Fault, func(m Messages) int64 { return int64(m.Lost) }},
		{"duplicated", Fault, func(m Messages) int64 { return m.Duplicated }},
		{"out of order", Fault, func(m Messages) int64 { return m.Reordered }},
	} {
		l.beside(count.name, count.unit, ofMessages(func(m Messages) float64 { return float64(count.get(m)) }))
	}
	l.latency("latency", func(m Messages) latency.Summary { return m.Latency })
	if l.runs[0].Server.Messages.Request.Count > 0 {
		l.latency("request", func(m Messages) latency.Summary { return m.Request })
	}
}

func (l *lines) latency(name string, of func(Messages) latency.Summary) {
	l.quantiles(name, inFull, func(get quantile) value {
		return ofMessages(func(m Messages) float64 { return float64(get(of(m))) })
	})
}

func (l *lines) connections() {
	of := func(get func(Connections) float64) value {
		return func(m Measurement) (float64, bool) {
			x := get(m.Connections)
			return x, x != 0
		}
	}
	l.beside("connections", Count, func(m Measurement) (float64, bool) { return float64(m.Connections.Live), true })
	l.compared("subscribed per second", PerSecond, of(func(c Connections) float64 { return c.PerSecond }))
	l.compared("CPU per connection", Microseconds, of(func(c Connections) float64 { return c.CPUMicros }))
	if l.runs[0].Server.Messages == nil {
		l.beside("memory per connection", Bytes, of(func(c Connections) float64 { return c.Bytes }))
	}
}

func (l *lines) process() {
	l.compared("CPU in all", Seconds, ofProcess(func(p Process) float64 { return p.CPUSeconds }))
	for _, f := range []struct {
		name string
		unit Unit
		get  func(Process) float64
	}{
		{"of it in the kernel", Share, func(p Process) float64 { return p.KernelShare }},
		{"memory before", Bytes, func(p Process) float64 { return float64(p.Before.Memory) }},
		{"memory connected", Bytes, func(p Process) float64 { return float64(p.Connected.Memory) }},
		{"memory after", Bytes, func(p Process) float64 { return float64(p.After.Memory) }},
		{"descriptors before", Count, func(p Process) float64 { return float64(p.Before.Descriptors) }},
		{"descriptors connected", Count, func(p Process) float64 { return float64(p.Connected.Descriptors) }},
		{"context switches, waiting", Count, func(p Process) float64 { return float64(p.Voluntary) }},
		{"context switches, pushed off", Count, func(p Process) float64 { return float64(p.Involuntary) }},
	} {
		l.beside(f.name, f.unit, func(m Measurement) (float64, bool) {
			if m.Process == nil {
				return 0, false
			}
			return f.get(*m.Process), true
		})
	}
}
