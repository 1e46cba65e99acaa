package bench_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"reverbd/bench"
)

// TestVersus runs two scenarios against two servers, one of which loses messages.
func TestVersus(t *testing.T) {
	good, bad := fake{}, fake{deliver: func(n int, frame []byte) [][]byte {
		if n == 3 {
			return [][]byte{}
		}
		return [][]byte{frame}
	}}
	servers := make([]bench.Options, 2)
	for i, url := range []string{good.start(t), bad.start(t)} {
		servers[i] = with(scenario("all", url), func(o *bench.Options) {
			o.Duration, o.Repeat, o.StallTimeout = 100*time.Millisecond, 2, 200*time.Millisecond
		})
	}
	result, err := bench.RunVersus(t.Context(), servers, []string{"connect", "publish"})
	if err != nil {
		t.Fatal(err)
	}
	for i, server := range result.Servers {
		var ran []string
		for _, r := range server.Runs {
			ran = append(ran, r.Scenario)
		}
		if got := strings.Join(ran, " "); got != "connect publish connect publish" || server.URL != servers[i].URLs[0] {
			t.Errorf("%s: %s", server.URL, got)
		}
	}
	for _, fault := range result.Faults() {
		if !strings.HasPrefix(fault, servers[1].URLs[0]+": publish: ") {
			t.Error(fault)
		}
	}
	if len(result.Faults()) != 2 {
		t.Errorf("faults: %q", result.Faults())
	}
	var text bytes.Buffer
	if err := result.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"connect: ", "publish: ", "medians of 2 runs", servers[0].URLs[0], servers[1].URLs[0], "ratio to it", "delivered per second", " x\n", "FAULT: " + servers[1].URLs[0] + ", run 2: "} {
		if !strings.Contains(text.String(), says) {
			t.Errorf("%q is not in\n%s", says, text.String())
		}
	}
}

func TestVersusMistakes(t *testing.T) {
	one := scenario("all", "ws://127.0.0.1:1")
	if _, err := bench.RunVersus(t.Context(), []bench.Options{one}, nil); err == nil || !strings.Contains(err.Error(), "--with") {
		t.Error(err)
	}
	for _, name := range []string{"dance", "all"} {
		if _, err := bench.RunVersus(t.Context(), []bench.Options{one, one}, []string{name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Error(err)
		}
	}
}
