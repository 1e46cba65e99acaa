package sysctl_test

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"reverbd/sysctl"
)

var update = flag.Bool("update", false, "write the golden files")

// machine is a recorded one: testdata has the files that were read, as a tree.
type machine struct {
	name   string
	env    map[string]string
	clock  sysctl.Clock
	change func(*sysctl.Source)
}

func (m machine) source() sysctl.Source {
	s := sysctl.Source{
		Root:   os.DirFS("testdata/" + m.name),
		Lookup: func(name string) (string, bool) { v, ok := m.env[name]; return v, ok },
		Clock:  func() sysctl.Clock { return m.clock },
	}
	if m.change != nil {
		m.change(&s)
	}
	return s
}

func machines() []machine {
	right, wrong := sysctl.Clock{Known: true, Synchronised: true}, sysctl.Clock{Known: true}
	return []machine{
		{name: "debian", clock: right, change: func(s *sysctl.Source) { s.Nginx = "/etc/nginx/nginx.conf" }},
		{name: "container", clock: right},
		{name: "cgroup1", clock: wrong},
		{name: "systemd", clock: right, env: map[string]string{"INVOCATION_ID": "6a7f"}},
		{name: "tiny", clock: sysctl.Clock{}, env: map[string]string{"SUPERVISOR_ENABLED": "1", "INVOCATION_ID": "1b2c"}},
	}
}

// need is what reverbd with its defaults wants for 10,000 connections.
func need() sysctl.Need {
	return sysctl.Need{
		Connections: 10_000, Loops: 2,
		DescriptorsEach: 1, DescriptorsLoop: 8, DescriptorsSpare: 24, MemoryEach: 1300, MemoryBase: 32 << 20,
		Port: 8080, PingInterval: 60 * time.Second, ActivityTimeout: 30 * time.Second, Tolerance: 600 * time.Second,
		LargestEvent: 10_000,
	}
}

// The report on each recorded machine, and the files that would have to be installed. -update writes what is there now.
func TestRecordedMachines(t *testing.T) {
	for _, m := range machines() {
		t.Run(m.name, func(t *testing.T) {
			s := m.source()
			findings := sysctl.Check(sysctl.Read(s), need())
			var got bytes.Buffer
			if err := sysctl.Text(&got, findings, sysctl.Style{Verbose: true}); err != nil {
				t.Fatal(err)
			}
			files, err := sysctl.Changes(s, findings, need())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				got.WriteString("\n" + f.Content)
			}
			golden := "testdata/" + m.name + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s differs:\n%s", golden, got.String())
			}
		})
	}
}

// This machine, whatever it is: everything that a Linux has in /proc is found.
func TestThisMachine(t *testing.T) {
	f := sysctl.Read(sysctl.Source{Root: os.DirFS("/"), Lookup: os.LookupEnv, Clock: sysctl.SystemClock})
	findings := sysctl.Check(f, need())
	var out bytes.Buffer
	if err := sysctl.Text(&out, findings, sysctl.Style{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if _, err := os.Stat("/proc/self/limits"); err != nil {
		return // not Linux: nothing is told, and nothing is wrong
	}
	for name, n := range map[string]sysctl.Number{
		"descriptors": f.Process.Descriptors.Hard, "open": f.Process.Open, "file-max": f.Files.Max, "memory": f.Memory.Available,
		"CPUs": f.CPUs, "ports": f.Net.Ports.Size(), "somaxconn": f.Net.Somaxconn,
	} {
		if n <= 0 {
			t.Errorf("%s: %v", name, n)
		}
	}
}

// A system that tells nothing has nothing wrong with it.
func TestUnknownMachine(t *testing.T) {
	s := machine{name: "nowhere"}.source()
	for _, f := range sysctl.Check(sysctl.Read(s), need()) {
		if f.Level != sysctl.OK {
			t.Errorf("%s is %v: found %q, needs %q", f.Check, f.Level, f.Found, f.Need)
		}
	}
}
