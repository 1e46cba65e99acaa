package bench_test

import (
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reverbd/bench"
)

// TestProcesses shares the clients of every scenario that can do so out among three processes.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, pid := reverbd(t)
	for name, o := range map[string]bench.Options{
		"connect":           with(scenario("connect", url), func(o *bench.Options) { o.Rate = 1000 }),
		"fanout":            scenario("fanout", url),
		"channels":          scenario("channels", url),
		"whisper":           scenario("whisper", url),
		"whisper, few":      with(scenario("whisper", url), func(o *bench.Options) { o.Events = 2 }),
		"whisper at a rate": with(scenario("whisper", url), func(o *bench.Options) { o.Rate = 1000 }),
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			o.ServerPIDs, o.Baseline, o.Settle, o.Processes = []int{pid}, true, 20*time.Millisecond, 3
			report := run(t, o)
			check(t, "server", o, &report.Runs[0].Server)
			check(t, "baseline", o, report.Runs[0].Baseline)
			if p := report.Runs[0].Parameters.Processes; p != 3 {
				t.Errorf("the report says %d processes", p)
			}
		})
	}
}

// TestProcessDies kills one of three processes while messages are sent: nothing of what it had is left out.
func TestProcessDies(t *testing.T) {
	f := &fake{}
	o := with(scenario("fanout", f.start(t)), func(o *bench.Options) {
		o.Rate, o.Events, o.Processes, o.StallTimeout = 200, 100, 3, 500*time.Millisecond
	})
	var processes []*exec.Cmd
	o.Self = func(name string) *exec.Cmd {
		processes = append(processes, self(name))
		return processes[len(processes)-1]
	}
	var once sync.Once
	o.Watch = func(what string, done, _ int) {
		if strings.HasSuffix(what, "publishing") && done > 10 {
			once.Do(func() { _ = processes[1].Process.Kill() })
		}
	}
	m := run(t, o).Runs[0].Server
	faults := strings.Join(m.Faults(), "\n")
	for _, want := range []string{"client process 3 ended early: signal: killed", "13 connections lost", "messages lost"} {
		if !strings.Contains(faults, want) {
			t.Errorf("faults are %s\nwant %q in them", faults, want)
		}
	}
	if s := m.Messages; s.Published != 100 || s.Expected != 4000 || s.Lost != s.Expected-int(s.Delivered) || s.Delivered < 2700 {
		t.Errorf("messages are %+v", s)
	}
}

// TestProcessesRefused are those that make no sense.
func TestProcessesRefused(t *testing.T) {
	for name, c := range map[string]struct {
		o    bench.Options
		says string
	}{
		"too many":           {with(scenario("fanout", "ws://127.0.0.1"), func(o *bench.Options) { o.Processes = 41 }), "more than there are clients"},
		"too many for pairs": {with(scenario("whisper", "ws://127.0.0.1"), func(o *bench.Options) { o.Processes = 21 }), "more than there are clients"},
		"less than one":      {with(scenario("fanout", "ws://127.0.0.1"), func(o *bench.Options) { o.Processes = -1 }), "from 1 to"},
		"one big room":       {with(scenario("presence", "ws://127.0.0.1"), func(o *bench.Options) { o.Processes = 2 }), "in one process"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.o.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want %q in it", err, c.says)
			}
		})
	}
}
