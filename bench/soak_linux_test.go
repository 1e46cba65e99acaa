package bench_test

import (
	"testing"
	"time"

	"reverbd/bench"
)

// TestSoakAgainstTheServer has the real server forget everybody.
func TestSoakAgainstTheServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, pid := reverbd(t)
	o := scenario("soak", url)
	o.ServerPIDs, o.Settle = []int{pid}, 20*time.Millisecond
	m := run(t, o).Runs[0].Server
	if faults := m.Faults(); len(faults) > 0 || m.Connections.Live != o.Connections {
		t.Errorf("%q, connections %+v", faults, m.Connections)
	}
	if s := m.Messages; s.Published < 300 || s.Delivered != int64(s.Expected) || s.Latency.Count != s.Delivered {
		t.Errorf("messages are %+v", s)
	}
	if m.Process == nil || m.Process.PerDelivered <= 0 || detail(m, "connections that ended and came back") < 1 {
		t.Errorf("process %+v, details %+v", m.Process, m.Details)
	}
	before, after := detail(m, "descriptors when nobody was connected, before"), detail(m, "descriptors when nobody was connected, after")
	if before <= 0 || after > before {
		t.Errorf("descriptors: %v before, %v after", before, after)
	}
}

// TestSoakHidesNothing lets a server lose messages, also to those that come and go.
func TestSoakHidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		deliver func(n int, frame []byte) [][]byte
		faulty  bool
	}{
		"nothing wrong": {nil, false},
		"one of ten lost": {func(n int, frame []byte) [][]byte {
			if n%10 == 5 {
				return nil
			}
			return [][]byte{frame}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := fake{deliver: c.deliver}
			o := with(scenario("soak", f.start(t)), func(o *bench.Options) { o.StallTimeout, o.Rate = 200*time.Millisecond, 1000 })
			m := run(t, o).Runs[0].Server
			if faulty := len(m.Faults()) > 0; faulty != c.faulty {
				t.Errorf("faults are %q", m.Faults())
			}
			if lost, missed := m.Messages.Lost > 0, detail(m, "missed by those that came back") > 0; lost != c.faulty || missed != c.faulty {
				t.Errorf("%d lost, details %+v", m.Messages.Lost, m.Details)
			}
		})
	}
}
