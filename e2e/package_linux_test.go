package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The Debian package installs, serves as an ordinary user, and is removed completely. It is built as for a release, but only for the
// architecture of this machine.
func TestDebianPackage(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("installing a package takes root")
	}
	requireProgram(t, "dpkg")
	dist := t.TempDir()
	run(t, "..", "make", "dist", "DIST="+dist, "VERSION=v1.2.3-4-gabc", "RELEASES=linux/"+runtime.GOARCH)
	run(t, dist, "sha256sum", "--check", "SHA256SUMS")
	archive := "reverbd_1.2.3-4-gabc_linux_" + runtime.GOARCH
	run(t, dist, "tar", "-xzf", archive+".tar.gz")
	for _, page := range []string{"reverbd.8", "reverb-bench.1"} {
		text := run(t, dist, "man", "--warnings", "-l", filepath.Join(dist, archive, "man", page))
		if name, _, _ := strings.Cut(page, "."); !strings.Contains(text, name) || strings.Contains(text, "warning:") {
			t.Errorf("%s:\n%s", page, text)
		}
	}

	deb := filepath.Join(dist, "reverbd_1.2.3+4+gabc_"+runtime.GOARCH+".deb")
	installPackage(t, deb)
	if got, want := run(t, "/", "/usr/bin/reverbd", "--version"), "reverbd version v1.2.3-4-gabc\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if out := run(t, "/", "/usr/bin/reverb-bench", "--version"); !strings.Contains(out, "v1.2.3-4-gabc") {
		t.Error(out)
	}
	serveInstalled(t)

	run(t, "/", "usermod", "--append", "--groups", "reverbd", "www-data") // as for Nginx and a unix socket
	run(t, "/", "dpkg", "--remove", "reverbd")
	if _, err := os.Stat("/etc/default/reverbd"); err != nil {
		t.Error("removing took the configuration with it:", err)
	}
	run(t, "/", "dpkg", "--purge", "reverbd")
	for line := range strings.Lines(run(t, "/", "dpkg-deb", "--contents", deb)) {
		fields := strings.Fields(line)
		path := strings.TrimPrefix(fields[len(fields)-1], ".")
		if _, err := os.Lstat(path); err == nil && strings.Contains(path, "reverb") {
			t.Error("left behind:", path)
		}
	}
	if _, err := user.Lookup("reverbd"); err == nil {
		t.Error("left behind: the user")
	}
	if _, err := user.LookupGroup("reverbd"); err == nil {
		t.Error("left behind: the group")
	}
}

// serveInstalled runs the server as the unit does, as the user that was made for it, with the configuration that was installed.
func serveInstalled(t *testing.T) {
	t.Helper()
	command := installedCommand(t)
	cmd := asReverbd(command...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "REVERB_APP_SECRET") {
		t.Fatalf("without an app: %v\n%s", err, out)
	}

	const file = "/etc/default/reverbd"
	text, err := os.ReadFile(file)
	must(t, err)
	s := &server{port: freePort(t)}
	filled := strings.NewReplacer("_ID=", "_ID="+appID, "_KEY=", "_KEY="+appKey, "_SECRET=", "_SECRET="+appSecret).Replace(string(text))
	filled += fmt.Sprintf("REVERB_SERVER_PORT=%d\n", s.port)
	must(t, os.WriteFile(file, []byte(filled), 0o640))
	args := append([]string{"-i"}, assignments(filled)...)
	args = append(append(args, "setpriv"), privileges...)
	p := startProgram(t, "/etc/reverbd", "env", append(args, command...)...)
	p.await(t, "reverbd", func() bool { return answers(s.port) })
	c := connect(t, s)
	c.subscribe("news", nil)
	must(t, publisher(s).Trigger("news", "story", "installed"))
	if got := c.nextEvent("story").text(t); got != "installed" {
		t.Error(got)
	}
	_ = c.conn.Close()
	p.stop(t)
	if p.err != nil {
		t.Error(p.err)
	}
}

// privileges are those of the unit's user, for setpriv.
var privileges = []string{"--reuid=reverbd", "--regid=reverbd", "--init-groups", "--no-new-privs", "--bounding-set=-all"}

func asReverbd(command ...string) *exec.Cmd {
	cmd := exec.Command("setpriv", append(privileges, command...)...)
	cmd.Dir, cmd.Env = "/etc/reverbd", plainEnvironment()
	return cmd
}

// installedCommand is what the installed unit starts.
func installedCommand(t *testing.T) []string {
	t.Helper()
	unit, err := os.ReadFile("/usr/lib/systemd/system/reverbd.service")
	must(t, err)
	for line := range strings.Lines(string(unit)) {
		if command, ok := strings.CutPrefix(line, "ExecStart="); ok {
			return strings.Fields(command)
		}
	}
	t.Fatal("the unit starts nothing")
	return nil
}

// assignments are the lines NAME=value of an environment file.
func assignments(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// installPackage installs a package, and purges it when the test ends. It refuses to touch a machine on which reverbd is in use, and
// waits for another run of these tests.
func installPackage(t *testing.T, deb string) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "reverbd-e2e-package.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	t.Cleanup(func() { _ = lock.Close() })
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	_, err = user.Lookup("reverbd")
	if exec.Command("dpkg", "--status", "reverbd").Run() == nil || err == nil {
		t.Fatal("reverbd is installed on this machine: this test would remove it")
	}
	t.Cleanup(func() { _ = exec.Command("dpkg", "--purge", "reverbd").Run() })
	run(t, "/", "dpkg", "--install", deb)
}
