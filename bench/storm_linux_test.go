package bench_test

import (
	"strings"
	"testing"
	"time"

	"reverbd/bench"
)

// TestStormHidesNobody lets a server refuse clients that come back.
func TestStormHidesNobody(t *testing.T) {
	const (
		clients = 40
		before  = clients + 1 // handshakes: there is one to see whether the server is there
		events  = 5
	)
	for name, c := range map[string]struct {
		refuse func(n int) bool
		again  float64 // clients that try again
		want   string
	}{
		"nobody refused":     {nil, 0, ""},
		"each third refused": {func(n int) bool { return n > before && n <= before+clients && n%3 == 0 }, 14, ""},
		"ten for good": {func(n int) bool { return n > before+clients-10 }, -1,
			"did not come back: 10, 50 messages lost"},
	} {
		t.Run(name, func(t *testing.T) {
			f := fake{refuse: c.refuse}
			o := with(scenario("storm", f.start(t)), func(o *bench.Options) { o.StallTimeout = time.Second })
			m := run(t, o).Runs[0].Server
			faults := m.Faults()
			if len(faults) == 2 && strings.HasPrefix(faults[0], "50") {
				faults[0], faults[1] = faults[1], faults[0]
			}
			if got := strings.Join(faults, ", "); got != c.want {
				t.Errorf("faults are %q, want %q", got, c.want)
			}
			if m.Messages.Expected != clients*events {
				t.Errorf("%+v", m.Messages)
			}
			if got := detail(m, "tried again"); got != c.again && c.again >= 0 {
				t.Errorf("%v tried again, want %v: %v", got, c.again, m.Connections.Reasons)
			}
		})
	}
}

// detail returns a figure of the scenario, -1 if there is none of that name.
func detail(m bench.Measurement, name string) float64 {
	for _, d := range m.Details {
		if d.Name == name {
			return d.Value
		}
	}
	return -1
}

// TestStormOfPrivateClients has the real server check what clients sign.
func TestStormOfPrivateClients(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, _ := reverbd(t)
	for name, processes := range map[string]int{"one process": 1, "two": 2} {
		o := with(scenario("storm", url), func(o *bench.Options) {
			o.Channels, o.Private, o.RoomSize, o.Processes, o.Settle = 3, true, 2, processes, 20*time.Millisecond
		})
		m := run(t, o).Runs[0].Server
		if faults := m.Faults(); len(faults) > 0 || m.Connections.Live != o.Connections || m.Messages.Delivered != int64(o.Connections*o.Events) {
			t.Errorf("%s: %q %+v", name, faults, m.Messages)
		}
	}
}
