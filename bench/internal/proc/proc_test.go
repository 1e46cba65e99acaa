package proc

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseStat(t *testing.T) {
	for name, c := range map[string]struct {
		text         string
		user, system time.Duration
		fails        bool
	}{
		"a server":                  {text: string(recorded(t, "stat")), user: 12340 * time.Millisecond, system: 5670 * time.Millisecond},
		"brackets in its name":      {text: "7 (a) b (c) R 1 7 7 0 -1 0 0 0 0 0 3 4 0 0", user: 30 * time.Millisecond, system: 40 * time.Millisecond},
		"cut short":                 {text: "7 (a) R 1 7 7 0 -1 0 0 0 0 0 3", fails: true},
		"no name":                   {text: "7 R 1 7 7 0 -1 0 0 0 0 0 3 4 0 0 0 0 0 0", fails: true},
		"text where a number is":    {text: "7 (a) R 1 7 7 0 -1 0 0 0 0 0 x 4 0 0", fails: true},
		"an empty file, as it ends": {fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			user, system, err := parseStat([]byte(c.text))
			if (err != nil) != c.fails || !c.fails && (user != c.user || system != c.system) {
				t.Errorf("parseStat = %v, %v, %v; want %v, %v, failing %v", user, system, err, c.user, c.system, c.fails)
			}
		})
	}
}

func TestParseField(t *testing.T) {
	for _, c := range []struct {
		file, field string
		want        int64
	}{
		{"status", "voluntary_ctxt_switches", 14},
		{"status", "nonvoluntary_ctxt_switches", 2},
		{"smaps_rollup", "Pss", 9104},
	} {
		if got, err := parseField(recorded(t, c.file), c.field); got != c.want || err != nil {
			t.Errorf("%s of %s is %d, %v; want %d", c.field, c.file, got, err, c.want)
		}
	}
	for _, text := range []string{"", "Pss_Dirty: 7 kB\n", "Pss:\n", "Pss: many kB\n"} {
		if got, err := parseField([]byte(text), "Pss"); err == nil {
			t.Errorf("%q: Pss is %d", text, got)
		}
	}
}

func TestParseStatm(t *testing.T) {
	if pages, err := parseStatm(recorded(t, "statm")); pages != 2606 || err != nil {
		t.Errorf("%d pages, %v; want 2606", pages, err)
	}
	if _, err := parseStatm([]byte("446378")); err == nil {
		t.Error("a cut file is taken")
	}
}

func TestParseSchedstat(t *testing.T) {
	if ran, err := parseSchedstat([]byte("6059801 6499690 268\n")); ran != 6059801 || err != nil {
		t.Errorf("%d ns, %v", ran, err)
	}
	for _, text := range []string{"", "6059801", "a 2 3"} {
		if ran, err := parseSchedstat([]byte(text)); err == nil {
			t.Errorf("%q is %d ns", text, ran)
		}
	}
}

func TestUsage(t *testing.T) {
	a := Usage{CPU: 9, User: 5, System: 4, Memory: 100, Descriptors: 3, Voluntary: 8, Involuntary: 7}
	b := Usage{CPU: 1, User: 2, System: 3, Memory: 50, Descriptors: 5, Voluntary: 6, Involuntary: 7}
	if got, want := a.Add(b), (Usage{10, 7, 7, 150, 8, 14, 14}); got != want {
		t.Errorf("Add = %+v, want %+v", got, want)
	}
	if got, want := a.Since(b), (Usage{8, 3, 1, 100, 3, 2, 0}); got != want {
		t.Errorf("Since = %+v, want %+v", got, want)
	}
}
