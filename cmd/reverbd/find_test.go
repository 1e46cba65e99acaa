package main

import (
	"strings"
	"testing"

	"reverbd/cmd/reverbd/control"
)

// Without a server of the configuration, the only one of the directory is meant, or the only one at all, and never one of several.
func TestChoose(t *testing.T) {
	in := func(pid int, dir string) control.Running {
		return control.Running{Report: control.Report{PID: pid, Directory: dir}}
	}
	for name, tc := range map[string]struct {
		running []control.Running
		want    int
	}{
		"none":                      {nil, 0},
		"one here":                  {[]control.Running{in(1, "/shop")}, 1},
		"one elsewhere":             {[]control.Running{in(1, "/blog")}, 1},
		"one here, one elsewhere":   {[]control.Running{in(1, "/blog"), in(2, "/shop")}, 2},
		"two here":                  {[]control.Running{in(1, "/shop"), in(2, "/shop")}, 0},
		"two elsewhere":             {[]control.Running{in(1, "/blog"), in(2, "/wiki")}, 0},
		"two here, one elsewhere":   {[]control.Running{in(1, "/shop"), in(2, "/shop"), in(3, "/blog")}, 0},
		"an old version, elsewhere": {[]control.Running{in(1, "")}, 1},
	} {
		got := 0
		if r := choose(tc.running, "/shop"); r != nil {
			got = r.Report.PID
		}
		if got != tc.want {
			t.Errorf("%s: process %d is chosen, want %d", name, got, tc.want)
		}
	}
}

func TestListOfServers(t *testing.T) {
	got := list([]control.Running{
		{Report: control.Report{PID: 7, Addresses: []string{"127.0.0.1:8080", "unix:/run/r.sock"}, Directory: "/shop", Apps: []control.App{{ID: "shop"}}}},
		{Report: control.Report{PID: 12, Addresses: []string{"127.0.0.1:9000"}, Apps: []control.App{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}}}},
	})
	for _, want := range []string{"pid 7 ", "127.0.0.1:8080, unix:/run/r.sock", "apps shop ", "in /shop", "pid 12", "apps a, b, c, and 2 more"} {
		if !strings.Contains(got, want) {
			t.Errorf("the list lacks %q:\n%s", want, got)
		}
	}
}
