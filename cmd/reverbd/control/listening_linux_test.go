package control

import (
	"slices"
	"testing"
)

func TestListening(t *testing.T) {
	const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 11 /run/reverbd/reverbd-0123456789ab.sock.4711
0000000000000000: 00000002 00000000 00010000 0001 01 12 /var/run/my server.pid.control.12
0000000000000000: 00000002 00000000 00010000 0001 01 13 @/abstract
0000000000000000: 00000002 00000000 00010000 0001 01 14 relative.control.9
0000000000000000: 00000003 00000000 00000000 0001 03 15 /run/connected.sock
0000000000000000: 00000003 00000000 00000000 0001 03 16
`
	want := []string{"/run/reverbd/reverbd-0123456789ab.sock", "/var/run/my server.pid.control"}
	if got := parseListening(table); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for path, want := range map[string]bool{want[0]: true, want[1]: true, "/run/docker.sock": false, "/run/reverbd.pid": false} {
		if isControlSocket(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
}
