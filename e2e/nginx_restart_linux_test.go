package e2e

import (
	"syscall"
	"testing"
)

// reverbd is restarted behind Nginx, whose idle connections lead to the old process: until that has ended, no client is refused and no
// publish fails.
func TestRestartBehindNginx(t *testing.T) {
	t.Parallel()
	for name, upstream := range map[string]func(*testing.T, ...string) (*server, nginxSetup){"TCP": overTCP, "unix socket": overUnix} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, setup := upstream(t, "--dev", "--debug=false", "--drain-timeout", "1")
			idle := keepBusy(t, startNginx(t, setup).front())
			for range 3 {
				old := s.serving(t)
				s.must(t, "restart")
				if s.serving(t) == old {
					t.Fatal("it is the same process")
				}
				if old != s.cmd.Process.Pid { // which stays, to stand for the server
					await(t, "the end of the old process", func() bool { return syscall.Kill(old, 0) != nil })
				}
			}
			idle()
		})
	}
}
