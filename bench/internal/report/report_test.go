package report

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/latency"
)

var update = flag.Bool("update", false, "write the golden files")

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{grouped(0), "0"}, {grouped(999), "999"}, {grouped(1000), "1,000"}, {grouped(-1234567), "-1,234,567"},
		{grouped(-304), "-304"}, {grouped(123456), "123,456"},
		{figures(0), "0.00"}, {figures(9.876), "9.88"}, {figures(98.76), "98.8"}, {figures(987.6), "988"}, {figures(98765.4), "98,765"},
		{figures(-987.6), "-988"}, {figures(9.999), "10.00"},
		{microseconds(9.5), "9.50 us"}, {microseconds(1500), "1.50 ms"}, {microseconds(2.5e6), "2.50 s"}, {seconds(0.25), "250 ms"},
		{size(873), "873 B"}, {size(20 << 10), "20.0 KiB"}, {size(20 << 20), "20.0 MiB"}, {size(-100 << 10), "-100 KiB"},
		{percent(0.976), "98 %"},
		{duration(10 * time.Second), "10 s"}, {duration(1500 * time.Millisecond), "1.5s"},
		{plural(1, "client process"), "1 client process"}, {plural(2, "client process"), "2 client processes"}, {plural(1000, "channel"), "1,000 channels"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// sample is a report with all there is in one.
func sample() Report {
	measured := func(scale float64, lost int) Measurement {
		h := latency.New()
		for ms := range int64(100) {
			h.Record(int64(float64(ms*int64(time.Millisecond)) * scale))
		}
		return Measurement{
			Connections: Connections{
				Live: 999, Refused: 1, Reasons: map[string]int{"connection reset by peer": 1}, Seconds: 0.125 * scale,
				PerSecond: 8000 / scale, CPUMicros: 50 * scale, Bytes: 873 * scale,
			},
			Messages: &Messages{
				Published: 200, Expected: 200_000, Lost: lost,
				Counts:  delivery.Counts{Delivered: 200_000 - int64(lost), Reordered: int64(lost)},
				Seconds: 10, PublishedPerSecond: 20, DeliveredPerSecond: 20_000, Latency: h.Summary(), Histogram: h, Request: h.Summary(),
			},
			Process: &Process{
				CPUSeconds: 1.2 * scale, KernelShare: 0.9, PerDelivered: 6 * scale, PerPublished: 6000 * scale, Voluntary: 1000, Involuntary: 2000,
				Before: Held{9 << 20, 20}, Connected: Held{11 << 20, 1020}, After: Held{12 << 20, 1020},
			},
		}
	}
	baseline := measured(1, 0)
	baseline.Connections.Refused, baseline.Connections.Reasons = 0, nil
	idle := measured(1.5, 0)
	idle.Messages, idle.Process.PerDelivered, idle.Process.PerPublished, idle.Interrupted = nil, 0, 0, true
	return Report{Runs: []Run{
		{
			Scenario:   "fanout",
			Parameters: Parameters{Connections: 1000, Channels: 1, Publishers: 1, Batch: 1, Rate: 20, Size: 100, Duration: 10 * time.Second, Processes: 1},
			Server:     measured(1.1, 3), Baseline: &baseline,
		},
		{Scenario: "connect", Parameters: Parameters{Connections: 1000, Channels: 1, Processes: 2}, Server: idle},
	}}
}

func TestWrite(t *testing.T) {
	var text strings.Builder
	if err := sample().Write(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.golden", text.String())
}

// TestMedians lets one run of three lose messages.
func TestMedians(t *testing.T) {
	r := sample()
	first := r.Runs[0]
	r.Runs = nil
	for i, us := range []float64{6, 12, 9} {
		run := first
		process, messages := *first.Server.Process, *first.Server.Messages
		process.PerDelivered = us
		messages.Lost = 3 * (i % 2)
		run.Server.Process, run.Server.Messages = &process, &messages
		r.Runs = append(r.Runs, run)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "medians.golden", text.String())
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Medians []Group
		Runs    []Run
	}
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Runs) != 3 || len(back.Medians) != 1 || back.Medians[0].Repeats != 3 {
		t.Fatalf("%d runs, medians %+v", len(back.Runs), back.Medians)
	}
	want := Spread{9, 6, 12}
	if f := back.Medians[0].Figures[0]; f.Name != "CPU per delivered message" || f.Server != want || f.Ratio == nil {
		t.Errorf("figure is %+v, want %+v", f, want)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it says\n%s\nand not\n%s", got, want)
	}
}

func TestFaults(t *testing.T) {
	got := strings.Join(sample().Faults(), "; ")
	want := "fanout: 1 connection refused; fanout: 3 messages lost; fanout: 3 messages out of order; connect: 1 connection refused"
	if got != want {
		t.Errorf("faults are %s, want %s", got, want)
	}
}
