package sysctl

import (
	"strings"
	"testing"
)

// A file that an earlier run had installed keeps what it says, since those findings are no longer there.
func TestChangesKeepWhatWasFixed(t *testing.T) {
	r := conf(map[string]string{
		sysctlFile: "# " + sysctlFile + "\n# For reverbd with 5,000 connections.\nfs.nr_open = 2000000\n-net.core.somaxconn=2048\n",
		"/etc/systemd/system/shop.service.d/60-reverbd.conf": "[Service]\nLimitNOFILE=2048\nMemoryMax=1G\n",
		"/etc/security/limits.d/60-reverbd.conf":             "www-data hard nofile 99\nwww-data hard nproc 4096\n",
	})
	tests := []struct {
		name string
		set  func(*Facts)
		want string
	}{
		{"a parameter", func(f *Facts) { f.Net.Somaxconn = 128 },
			"# /etc/sysctl.d/60-reverbd.conf\n# For reverbd with 10,000 connections. Then: sysctl --system.\nfs.nr_open = 2000000\nnet.core.somaxconn = 16384\n"},
		{"a service", func(f *Facts) { f.Unit = &Unit{Name: "shop.service", Descriptors: Limit{1, 2048}} }, "[Service]\nMemoryMax=1G\nLimitNOFILE=13312\n"},
		{"a user", func(f *Facts) { f.Process.Descriptors.Hard = 99 }, "www-data hard nproc 4096\nwww-data soft nofile 13312\nwww-data hard nofile 13312\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, n := roomy(), wanted()
			tt.set(&f)
			files, err := Changes(Source{Root: r.root}, Check(f, n), n)
			if err != nil || len(files) != 1 {
				t.Fatal(err, files)
			}
			if !strings.HasSuffix(files[0].Content, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", files[0].Content, tt.want)
			}
		})
	}
}

// What cannot be told as a whole file is told in words, so that nobody installs a file that lacks the rest.
func TestChangesByHand(t *testing.T) {
	f, n := roomy(), wanted()
	f.Process.Manager, f.Process.Descriptors.Hard = BySupervisor, 99
	f.Redis = Redis{Configured: true, Own: 5, MaxClients: 4, PubSub: Buffer{1, 1, 60}}
	files, err := Changes(Source{Root: conf(nil).root}, Check(f, n), n)
	if err != nil || len(files) != 1 || files[0].Path != "" {
		t.Fatal(err, files)
	}
	for line := range strings.Lines(files[0].Content) {
		if !strings.HasPrefix(line, "# ") {
			t.Errorf("%q", line)
		}
	}
}
