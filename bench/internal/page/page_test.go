package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/report"
)

// sample is a report with messages and a baseline, and with samples over time.
func sample() report.Report {
	measured := func(scale float64) report.Measurement {
		h := latency.New()
		for ms := range int64(1000) {
			h.Record(int64(float64(ms*int64(time.Millisecond)) * scale))
		}
		m := report.Measurement{
			Connections: report.Connections{Live: 10, Lost: 1, PerSecond: 8000, CPUMicros: 50 * scale},
			Messages:    &report.Messages{Published: 100, Expected: 1000, DeliveredPerSecond: 500, Latency: h.Summary(), Histogram: h},
			Process:     &report.Process{CPUSeconds: scale, PerDelivered: 6 * scale},
		}
		for i := range 20 {
			m.Samples = append(m.Samples, report.Sample{
				Seconds: float64(i) / 4, Live: 10, Delivered: 50 * i, CPU: float64(i) / 10, Memory: int64(i) << 20,
			})
		}
		return m
	}
	baseline := measured(1)
	return report.Report{URL: "ws://127.0.0.1:8080/<b>", Runs: []report.Run{
		{Scenario: "fanout", Parameters: report.Parameters{Connections: 10}, Server: measured(1.1), Baseline: &baseline},
		{Scenario: "fanout", Parameters: report.Parameters{Connections: 10}, Server: measured(1.3), Baseline: &baseline},
		{Scenario: "connect", Parameters: report.Parameters{Connections: 10}},
	}}
}

// TestPage looks for what the page must have, and for what it must not: anything that is elsewhere, or no number.
func TestPage(t *testing.T) {
	var page bytes.Buffer
	if err := Write(&page, sample()); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{
		"medians of 2 runs", "run 2: 1 connection lost", "Latency by percentile", "Delivered per second", ">Memory<", ">CPU<",
		"1.20 x the baseline", "prefers-color-scheme", "/&lt;b&gt;", "Server against baseline",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if elsewhere := regexp.MustCompile(`<script|<link|<img|src=|href=|@import|url\(|NaN|Inf`).FindString(text); elsewhere != "" {
		t.Errorf("it has %q", elsewhere)
	}
	pictures := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1)
	if len(pictures) != 7 {
		t.Errorf("%d pictures, want the ratios, two of latency, and four over time", len(pictures))
	}
	for _, picture := range pictures {
		d := xml.NewDecoder(strings.NewReader(picture))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, picture)
			}
		}
	}
}

func TestScale(t *testing.T) {
	linear := fit(0, 93, false).between(0, 100)
	if linear.max != 100 || linear.at(50) != 50 || len(linear.ticks()) != 6 {
		t.Errorf("%+v has the ticks %v", linear, linear.ticks())
	}
	log := fit(30, 4000, true).between(100, 0)
	if log.min != 10 || log.max != 10_000 || math.Abs(log.at(100)-200.0/3) > 1e-9 || log.at(1) != 100 || len(log.ticks()) != 4 {
		t.Errorf("%+v has the ticks %v, and 100 at %v", log, log.ticks(), log.at(100))
	}
}

func TestNines(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 1: "90", 2: "99", 3: "99.9", 5: "99.999", 0.5: ""} {
		if got := nines(n); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
}
