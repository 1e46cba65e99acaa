package sysctl

import (
	"strings"
	"testing"
)

func TestSupervisorFile(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  Number
		wrong string
	}{
		{"the default", map[string]string{"/s.conf": "[supervisord]\nlogfile=/x ; y\n"}, 1024, ""},
		{"set", map[string]string{"/s.conf": "[supervisord]\nminfds = 65536 ; more\n"}, 65536, ""},
		{"a comment", map[string]string{"/s.conf": "[supervisord]\n;minfds=5\n# minfds=6\n"}, 1024, ""},
		{"in another section", map[string]string{"/s.conf": "[supervisord]\n[x]\nminfds=5\n"}, 1024, ""},
		{"included", map[string]string{"/s.conf": "[supervisord]\nminfds=5\n[include]\nfiles = d/*.conf\n  /e.conf\n", "/d/a.conf": "[supervisord]\nminfds=6\n"}, 6, ""},
		{"not a number", map[string]string{"/s.conf": "[supervisord]\nminfds=many\n"}, 1024, `/s.conf: minfds is "many", not a number`},
		{"not there", nil, 1024, "file does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := readSupervisor(conf(tt.files), "/s.conf")
			if got.MinFDs != tt.want || got.Problem != tt.wrong {
				t.Errorf("%v, %q; want %v, %q", got.MinFDs, got.Problem, tt.want, tt.wrong)
			}
		})
	}
}

// The file that print-fixes writes says what supervisor needs, and keeps the rest.
func TestSupervisorFix(t *testing.T) {
	for _, text := range []string{
		"[unix_http_server]\nfile=/x\n[supervisord] ; main\nlogfile=/y\n[include]\nfiles=z\n",
		"[supervisord]\nlogfile=/y\nminfds=3 ; few\n[unix_http_server]\nfile=/x",
		"[unix_http_server]\nfile=/x\n[supervisord]",
	} {
		r := conf(map[string]string{"/s.conf": text})
		f, n := roomy(), wanted()
		f.Supervisor = readSupervisor(r, "/s.conf")
		files, err := Changes(Source{Root: r.root}, []Finding{named(t, Check(f, n), "supervisor.minfds")}, n)
		if err != nil {
			t.Fatal(err)
		}
		after := readSupervisor(conf(map[string]string{"/s.conf": files[0].Content}), "/s.conf")
		if after.MinFDs != 13312 || after.Problem != "" || !strings.Contains(files[0].Content, "file=/x") {
			t.Errorf("%+v\n%s", after, files[0].Content)
		}
	}
}

func FuzzSupervisor(f *testing.F) {
	f.Add("[supervisord]\nminfds=3\n[include]\nfiles = *\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := conf(map[string]string{"/s.conf": text})
		facts, need := roomy(), wanted()
		facts.Supervisor = readSupervisor(r, "/s.conf")
		if _, err := Changes(Source{Root: r.root}, Check(facts, need), need); err != nil {
			t.Fatal(err)
		}
	})
}

func TestUnit(t *testing.T) {
	const etc, lib = "/etc/systemd/system/", "/usr/lib/systemd/system/"
	service := func(limit string) string { return "[Unit]\nA=b\n\n[Service]\nUser=shop\n" + limit + "\n" }
	tests := []struct {
		name  string
		unit  string
		files map[string]string
		want  Limit
		from  string
		wrong string
	}{
		{"systemd's default", "r", map[string]string{lib + "r.service": service("")}, Limit{1024, 524288}, "", ""},
		{"the manager's default", "r", map[string]string{lib + "r.service": service(""), "/etc/systemd/system.conf": "[Manager]\n#x\nDefaultLimitNOFILE=2048:4096\n"}, Limit{2048, 4096}, "", ""},
		{"one number", "r.service", map[string]string{lib + "r.service": service("LimitNOFILE=65536")}, Limit{65536, 65536}, lib + "r.service", ""},
		{"two numbers", "r", map[string]string{lib + "r.service": service("LimitNOFILE=1024:65536")}, Limit{1024, 65536}, lib + "r.service", ""},
		{"infinity is what the kernel allows", "r", map[string]string{lib + "r.service": service("LimitNOFILE=infinity"), "/proc/sys/fs/nr_open": "1048576"}, Limit{1 << 20, 1 << 20}, lib + "r.service", ""},
		{"empty is the default again", "r", map[string]string{lib + "r.service": service("LimitNOFILE=5\nLimitNOFILE=")}, Limit{1024, 524288}, "", ""},
		{"etc hides lib", "r", map[string]string{lib + "r.service": service("LimitNOFILE=5"), etc + "r.service": service("LimitNOFILE=6")}, Limit{6, 6}, etc + "r.service", ""},
		{"drop-ins in the order of their names", "r", map[string]string{
			lib + "r.service": service("LimitNOFILE=5"), lib + "r.service.d/20.conf": "[Service]\nLimitNOFILE=20\n",
			etc + "r.service.d/10.conf": "[Service]\nLimitNOFILE=10\n", etc + "r.service.d/30.off": "[Service]\nLimitNOFILE=30\n",
		}, Limit{20, 20}, lib + "r.service.d/20.conf", ""},
		{"a drop-in of every service", "r", map[string]string{lib + "r.service": service(""), etc + "service.d/x.conf": "[Service]\nLimitNOFILE=7\n"}, Limit{7, 7}, etc + "service.d/x.conf", ""},
		{"a drop-in of a prefix", "shop-r", map[string]string{lib + "shop-r.service": service(""), etc + "shop-.service.d/x.conf": "[Service]\nLimitNOFILE=7\n"}, Limit{7, 7}, etc + "shop-.service.d/x.conf", ""},
		{"a template", "r@1.service", map[string]string{lib + "r@.service": service("LimitNOFILE=5"), etc + "r@.service.d/a.conf": "[Service]\nLimitNOFILE=8\n"}, Limit{8, 8}, etc + "r@.service.d/a.conf", ""},
		{"a file", "/srv/r.service", map[string]string{"/srv/r.service": service("LimitNOFILE=9")}, Limit{9, 9}, "/srv/r.service", ""},
		{"another section", "r", map[string]string{lib + "r.service": "[Unit]\nLimitNOFILE=9\n"}, Limit{1024, 524288}, "", ""},
		{"not a limit", "r", map[string]string{lib + "r.service": service("LimitNOFILE=9:8")}, Limit{}, "", "LimitNOFILE=9:8 is not a limit"},
		{"not there", "r", nil, Limit{}, "", "there is no such unit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := readUnit(conf(tt.files), tt.unit)
			switch {
			case tt.wrong != "" && !strings.Contains(got.Problem, tt.wrong), tt.wrong == "" && got.Problem != "":
				t.Errorf("%q, want %q", got.Problem, tt.wrong)
			case tt.wrong == "" && (got.Descriptors != tt.want || got.From != tt.from):
				t.Errorf("%v from %q, want %v from %q", got.Descriptors, got.From, tt.want, tt.from)
			}
		})
	}
}

// A service that is named from a shell is checked with its own limits, not with those of the shell.
func TestUnitGroup(t *testing.T) {
	tests := []struct {
		lines string
		want  Group
	}{
		{"", Group{Version: 2, Memory: Unknown, Tasks: Unknown}},
		{"MemoryMax=512M\nTasksMax=100\nCPUQuota=150%", Group{Version: 2, Memory: 512 << 20, Tasks: 100, CPUs: 1.5}},
		{"MemoryMax=1G\nMemoryMax=infinity\nTasksMax=infinity\nCPUQuota=", Group{Version: 2, Memory: Unknown, Tasks: Unknown}},
		{"MemoryMax=50%\nTasksMax=50%", Group{Version: 2, Memory: Unknown, Tasks: Unknown}},
		{"MemoryLimit=1048576", Group{Version: 2, Memory: 1 << 20, Tasks: Unknown}},
	}
	for _, tt := range tests {
		r := conf(map[string]string{"/etc/systemd/system/r.service": "[Service]\n" + tt.lines + "\n"})
		s := Source{Root: r.root, Lookup: func(string) (string, bool) { return "", false }, Clock: func() Clock { return Clock{} }, Unit: "r"}
		tt.want.Used, tt.want.TasksUsed = Unknown, Unknown
		if got := Read(s).Group; got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.lines, got, tt.want)
		}
	}
}

func FuzzUnit(f *testing.F) {
	f.Add("[Service]\nLimitNOFILE=1:2\n", "[Service]\nLimitNOFILE=infinity\\\n")
	f.Fuzz(func(_ *testing.T, text, dropIn string) {
		readUnit(conf(map[string]string{"/etc/systemd/system/r.service": text, "/etc/systemd/system/r.service.d/a.conf": dropIn}), "r")
	})
}
