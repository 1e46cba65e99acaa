package bench_test

import (
	"testing"
	"time"

	"reverbd/bench"
)

// TestFairnessAgainstTheServer pings beside a fan-out, and has clients stop reading for so long that they are cut off.
func TestFairnessAgainstTheServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, pid := reverbd(t)
	for _, name := range []string{"ping", "slow"} {
		t.Run(name, func(t *testing.T) {
			o := scenario(name, url)
			o.ServerPIDs, o.Settle = []int{pid}, 20*time.Millisecond
			m := run(t, o).Runs[0].Server
			if faults := m.Faults(); len(faults) > 0 {
				t.Errorf("%q %v", faults, m.Connections.Reasons)
			}
			if s := m.Messages; s.Published == 0 || s.Delivered != int64(s.Expected) || m.Process.PerDelivered <= 0 {
				t.Errorf("messages are %+v", s)
			}
			for _, timing := range m.Timings {
				if timing.Summary.Count == 0 || timing.Summary.P50 == 0 {
					t.Errorf("%s: %+v", timing.Name, timing.Summary)
				}
			}
			if want := map[string]int{"ping": 3, "slow": 2}[name]; len(m.Timings) != want {
				t.Errorf("%d timings, want %d", len(m.Timings), want)
			}
			if name == "slow" && detail(m, "cut off") != 2 {
				t.Errorf("details are %+v, reasons %v", m.Details, m.Connections.Reasons)
			}
		})
	}
}

// TestPingsWithoutAnAnswer asks a server that answers only every other one.
func TestPingsWithoutAnAnswer(t *testing.T) {
	for name, answer := range map[string]func(n int) bool{
		"all":         func(int) bool { return true },
		"every other": func(n int) bool { return n%2 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			f := fake{pong: answer}
			o := with(scenario("ping", f.start(t)), func(o *bench.Options) { o.Rate, o.StallTimeout = 100, 200*time.Millisecond })
			m := run(t, o).Runs[0].Server
			if faulty := len(m.Faults()) > 0; faulty != (name != "all") {
				t.Errorf("faults are %q", m.Faults())
			}
		})
	}
}

// TestNobodyIsCutOff has clients stop reading at a server that does not mind.
func TestNobodyIsCutOff(t *testing.T) {
	var f fake
	o := with(scenario("slow", f.start(t)), func(o *bench.Options) { o.Rate, o.Size, o.Duration = 100, 100, 400*time.Millisecond })
	m := run(t, o).Runs[0].Server
	if len(m.Faults()) > 0 || detail(m, "cut off") != 0 || detail(m, "not cut off") != 2 {
		t.Errorf("%q %+v", m.Faults(), m.Details)
	}
}

// TestAll carries everything out, as small as it goes.
func TestAll(t *testing.T) {
	for _, one := range bench.Scenarios {
		if one.Usage == "" {
			t.Errorf("%s says nothing", one.Name)
		}
	}
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, pid := reverbd(t)
	o := scenario("all", url)
	o.ServerPIDs, o.Settle = []int{pid}, 20*time.Millisecond
	report := run(t, o)
	if faults := report.Faults(); len(faults) > 0 || len(report.Runs) != len(bench.Scenarios)-1 {
		t.Errorf("%d runs, %q", len(report.Runs), faults)
	}
}
