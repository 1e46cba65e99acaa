package page

import "reverbd/bench/internal/report"

// timeline plots the samples: messages or connections a second, and what they cost the server.
func timeline(run report.Run) []plot {
	clients := overTime(run, "Clients", "Clients that are connected and subscribed.", thousands, func(_, s report.Sample) float64 { return float64(s.Live) })
	delivered := overTime(run, "Delivered per second", "Messages that the clients received, all together.", thousands, perSecond(func(s report.Sample) float64 { return float64(s.Delivered) }))
	cpu := overTime(run, "CPU", "100 % is one processor.", percent, perSecond(func(s report.Sample) float64 { return 100 * s.CPU }))
	memory := overTime(run, "Memory", "What the process holds in RAM.", mebibytes, func(_, s report.Sample) float64 { return float64(s.Memory) / (1 << 20) })
	return []plot{delivered, clients, cpu, memory}
}

// overTime plots a value computed from each sample and the one before.
func overTime(run report.Run, title, note string, name func(float64) string, get func(before, s report.Sample) float64) plot {
	p := plot{Title: title, Note: note, across: "seconds since the first client began to connect", xName: short, yName: name}
	end, most := 0.0, 0.0
	for _, m := range measurements(run) {
		c := curve{class: m.class}
		for i := 1; i < len(m.Samples); i++ {
			before, s := m.Samples[i-1], m.Samples[i]
			if s.Seconds-before.Seconds < shortest {
				continue
			}
			at := point{s.Seconds, get(before, s)}
			end, most = max(end, at.x), max(most, at.y)
			c.points = append(c.points, at)
		}
		p.curves = append(p.curves, c)
	}
	if most == 0 {
		p.curves = nil // not measured, or always 0
	}
	p.x, p.y = scale{min: 0, max: max(end, 1e-3)}, fit(0, most, false)
	return p
}

// shortest is the least time between two samples for a rate, in seconds.
const shortest = 0.05

func perSecond(get func(report.Sample) float64) func(before, s report.Sample) float64 {
	return func(before, s report.Sample) float64 { return (get(s) - get(before)) / (s.Seconds - before.Seconds) }
}

func thousands(x float64) string {
	switch {
	case x >= 1e6:
		return short(x/1e6) + " M"
	case x >= 1e4:
		return short(x/1e3) + " k"
	}
	return short(x)
}

func mebibytes(x float64) string { return short(x) + " MiB" }
