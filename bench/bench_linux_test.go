package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reverbd/bench"
)

// TestScenariosAgainstTheServer carries every scenario out in small, against the real server and the baseline, and holds the
// two against each other.
func TestScenariosAgainstTheServer(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, pid := reverbd(t, "--compression")
	for name, o := range map[string]bench.Options{
		"connect":             scenario("connect", url),
		"fanout":              scenario("fanout", url),
		"channels":            scenario("channels", url),
		"channels, each on 4": with(scenario("channels", url), func(o *bench.Options) { o.Channels, o.Each = 20, 4 }),
		"compressed":          with(scenario("fanout", url), func(o *bench.Options) { o.Size, o.Compress = 500, true }),
		"channels, batches":   with(scenario("channels", url), func(o *bench.Options) { o.Batch = 7 }),
		"fanout at a rate":    with(scenario("fanout", url), func(o *bench.Options) { o.Rate, o.Publishers = 500, 2 }),
		"whisper":             scenario("whisper", url),
		"storm":               scenario("storm", url),
		"publish":             scenario("publish", url),
		"publish, keep-alive": with(scenario("publish", url), func(o *bench.Options) { o.NewConns = false }),
		"idle":                scenario("idle", url),
		"presence":            scenario("presence", url),
		"presence at a rate":  with(scenario("presence", url), func(o *bench.Options) { o.Rate, o.Joiners = 500, 5 }),
		"whisper at a rate":   with(scenario("whisper", url), func(o *bench.Options) { o.Rate = 1000 }),
		"connect at a rate":   with(scenario("connect", url), func(o *bench.Options) { o.Rate = 400 }),
		"big messages":        with(scenario("fanout", url), func(o *bench.Options) { o.Size = 5000 }),
		"whisper for a time":  with(scenario("whisper", url), func(o *bench.Options) { o.Events, o.Duration = 0, 100*time.Millisecond }),
	} {
		t.Run(name, func(t *testing.T) {
			o.ServerPIDs, o.Baseline, o.Settle = []int{pid}, o.Scenario != "presence" && o.Scenario != "idle", 20*time.Millisecond
			report := run(t, o)
			check(t, "server", o, &report.Runs[0].Server)
			if o.Baseline {
				check(t, "baseline", o, report.Runs[0].Baseline)
			}
			text, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			var back bench.Report
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			var shown, again bytes.Buffer
			if err := report.Write(&shown); err != nil {
				t.Fatal(err)
			}
			if err := back.Write(&again); err != nil || shown.String() != again.String() {
				t.Errorf("%v: read back from JSON it says\n%s\nand not\n%s", err, again.String(), shown.String())
			}
		})
	}
}

// Several nodes are tried one by one, and the clients take them in turn.
func TestSeveralNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	one, pid := reverbd(t)
	two, other := reverbd(t)
	o := scenario("connect", one)
	o.URLs, o.ServerPIDs, o.Settle = []string{one, two}, []int{pid, other}, 20*time.Millisecond
	idle := max(descriptors(t, pid), descriptors(t, other))
	report := run(t, o)
	check(t, "both", o, &report.Runs[0].Server)
	if got := report.URL; got != one+", "+two {
		t.Errorf("the report is about %s", got)
	}
	for _, half := range o.ServerPIDs {
		o.ServerPIDs = []int{half}
		for end := time.Now().Add(10 * time.Second); descriptors(t, half) > idle && time.Now().Before(end); {
			time.Sleep(time.Millisecond) // those of the run before are on their way out
		}
		p := run(t, o).Runs[0].Server.Process
		if more := p.Connected.Descriptors - p.Before.Descriptors; more < o.Connections/2-3 || more > o.Connections/2+3 {
			t.Errorf("a node has %d descriptors more with %d clients", more, o.Connections)
		}
	}
	o.URLs[1] = fmt.Sprintf("ws://127.0.0.1:%d", freePort(t))
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing listens at "+o.URLs[1]) {
		t.Errorf("a node that is not there: %v", err)
	}
	o.URLs[1] = two + "/path"
	if _, err := bench.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "same path") {
		t.Errorf("another path: %v", err)
	}
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func with(o bench.Options, change func(*bench.Options)) bench.Options {
	change(&o)
	return o
}

// check looks at one measurement of a scenario without faults.
func check(t *testing.T, name string, o bench.Options, m *bench.Measurement) {
	t.Helper()
	if faults := m.Faults(); len(faults) > 0 {
		t.Errorf("%s: %q %v", name, faults, m.Connections.Reasons)
	}
	if c := m.Connections; c.Live != o.Connections+o.Joiners || c.PerSecond <= 0 || c.CPUMicros <= 0 {
		t.Errorf("%s: connections are %+v", name, c)
	}
	if m.Process == nil || m.Process.CPUSeconds <= 0 || m.Process.Connected.Descriptors < o.Connections {
		t.Errorf("%s: process is %+v", name, m.Process)
	}
	if o.Scenario == "connect" || o.Scenario == "idle" {
		if m.Messages != nil {
			t.Errorf("%s: messages are %+v", name, m.Messages)
		}
		if o.Scenario == "idle" && (detail(*m, "pings") <= 0 || detail(*m, "CPU per connection and second") <= 0) {
			t.Errorf("%s: details are %+v", name, m.Details)
		}
		return
	}
	s := m.Messages
	if o.Events > 0 && s.Published != o.Events || s.Published == 0 {
		t.Errorf("%s: %d of %d messages were published", name, s.Published, o.Events)
	}
	receivers := map[string]int{"fanout": o.Connections, "presence": o.Connections, "storm": o.Connections, "channels": o.Connections * max(o.Each, 1) / o.Channels, "publish": o.Connections / o.Channels, "whisper": 1}[o.Scenario]
	if want := s.Published * receivers; s.Expected != want || s.Delivered != int64(want) || s.Latency.Count != int64(want) {
		t.Errorf("%s: %d expected, %d delivered, %d with a latency; want %d of each", name, s.Expected, s.Delivered, s.Latency.Count, want)
	}
	if o.Scenario == "publish" && (len(m.Timings) != 1 || m.Timings[0].Summary.Count != int64(s.Published)) {
		t.Errorf("%s: of %d messages the last subscriber was timed in %+v", name, s.Published, m.Timings)
	}
	if (s.Request.Count > 0) != (o.Publishers > 0) || s.DeliveredPerSecond <= 0 || m.Process.PerDelivered <= 0 {
		t.Errorf("%s: messages are %+v, process %+v", name, s, m.Process)
	}
}

// TestNothingIsHidden lets a server lose, double and reorder messages.
func TestNothingIsHidden(t *testing.T) {
	held := map[string][]byte{}
	for name, c := range map[string]struct {
		deliver func(int, []byte) [][]byte
		want    []string
	}{
		"nothing wrong": {nil, nil},
		"one of ten lost": {
			func(n int, frame []byte) [][]byte {
				if n%10 == 0 {
					return nil
				}
				return [][]byte{frame}
			},
			[]string{"20 messages lost"},
		},
		"one of ten doubled": {
			func(n int, frame []byte) [][]byte {
				if n%10 == 0 {
					return [][]byte{frame, frame}
				}
				return [][]byte{frame}
			},
			[]string{"20 messages delivered twice"},
		},
		"one of ten late": {
			func(n int, frame []byte) [][]byte {
				if n%10 == 3 { // all clients get the same, one after the other
					held["frame"] = frame
					return nil
				}
				if n%10 == 4 {
					return [][]byte{frame, held["frame"]}
				}
				return [][]byte{frame}
			},
			[]string{"20 messages out of order"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{deliver: c.deliver, ping: true}
			o := scenario("fanout", f.start(t))
			o.Connections, o.Channels = 4, 1
			report := run(t, with(o, func(o *bench.Options) { o.StallTimeout = 200 * time.Millisecond }))
			got := strings.Join(report.Runs[0].Server.Faults(), ", ")
			if want := strings.Join(c.want, ", "); got != want {
				t.Errorf("faults are %q, want %q", got, want)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.pongs != o.Connections+1 { // and the one that looks whether the server is there
				t.Errorf("%d pings answered", f.pongs)
			}
		})
	}
}

// TestInterrupted ends a run that has no end of its own.
func TestInterrupted(t *testing.T) {
	f := &fake{}
	o := with(scenario("fanout", f.start(t)), func(o *bench.Options) { o.Events, o.Duration, o.Rate = 0, time.Hour, 200 })
	ctx, cancel := context.WithCancel(context.Background())
	o.Watch = func(what string, done, _ int) {
		if strings.HasSuffix(what, "publishing") && done > 10 {
			cancel()
		}
	}
	report, err := bench.Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	m := report.Runs[0].Server
	if !m.Interrupted || len(m.Faults()) > 0 || m.Messages.Published <= 10 || m.Messages.Delivered != int64(40*m.Messages.Published) {
		t.Errorf("interrupted: %v, faults %v, %+v", m.Interrupted, m.Faults(), m.Messages)
	}
}

// TestSaidAtOnce makes the mistakes that people make.
func TestSaidAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the server")
	}
	url, _ := reverbd(t)
	for name, c := range map[string]struct {
		o    bench.Options
		says string
	}{
		"nobody there":                {scenario("fanout", "ws://127.0.0.1:1"), "start the server first"},
		"a wrong key":                 {with(scenario("fanout", url), func(o *bench.Options) { o.Key = "nobody" }), "set --key"},
		"a wrong secret":              {with(scenario("fanout", url), func(o *bench.Options) { o.Secret = "guess" }), "set --secret"},
		"a wrong secret, too":         {with(scenario("whisper", url), func(o *bench.Options) { o.Secret = "guess" }), "set --secret"},
		"a wrong id":                  {with(scenario("fanout", url), func(o *bench.Options) { o.AppID = "nobody" }), "set --app-id"},
		"a wrong path":                {scenario("fanout", url+"/nowhere"), "404"},
		"too many connections":        {with(scenario("connect", url), func(o *bench.Options) { o.Connections = 1_000_000 }), "ulimit -n"},
		"no such process":             {with(scenario("connect", url), func(o *bench.Options) { o.ServerPIDs = []int{1 << 22} }), "there is no process"},
		"presence's baseline":         {with(scenario("presence", url), func(o *bench.Options) { o.Baseline = true }), "--baseline"},
		"no joiners":                  {with(scenario("presence", url), func(o *bench.Options) { o.Joiners = 0 }), "--joiners"},
		"no such scenario":            {scenario("dance", url), `no scenario "dance"`},
		"TLS":                         {scenario("connect", "wss://127.0.0.1"), "TLS"},
		"no end":                      {with(scenario("fanout", url), func(o *bench.Options) { o.Events = 0 }), "--duration"},
		"too small":                   {with(scenario("fanout", url), func(o *bench.Options) { o.Size = 10 }), "--size"},
		"a channel for nobody":        {with(scenario("channels", url), func(o *bench.Options) { o.Channels = 41 }), "--channels"},
		"channels that do not divide": {with(scenario("channels", url), func(o *bench.Options) { o.Each = 3 }), "--each"},
		"no compression":              {with(scenario("fanout", url), func(o *bench.Options) { o.Compress = true }), "--compression"},
		"a client alone":              {with(scenario("whisper", url), func(o *bench.Options) { o.Connections = 41 }), "even"},
		"no publishers":               {with(scenario("fanout", url), func(o *bench.Options) { o.Publishers = 0 }), "--publishers"},
		"a key with a question":       {with(scenario("fanout", url), func(o *bench.Options) { o.Key = "a?b" }), "--key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bench.Run(context.Background(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want %q in it", err, c.says)
			}
		})
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	f := &fake{}
	url := f.start(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	run(t, with(scenario("fanout", url), func(o *bench.Options) { o.Baseline = true }))
}
