package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
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
	run(t, "..", "make", "dist", "DIST="+dist, "VERSION=v1.2.3-4-gabc", "RELEASES=linux/"+runtime.GOARCH, "SOURCE_DATE_EPOCH=1795858200")
	run(t, dist, "sha256sum", "--check", "SHA256SUMS")
	archive := "reverbd_1.2.3-4-gabc_linux_" + runtime.GOARCH
	run(t, dist, "tar", "-xzf", archive+".tar.gz")
	for _, page := range []string{"reverbd.8", "reverb-bench.1"} {
		text := run(t, dist, "man", "--warnings", "-l", filepath.Join(dist, archive, "man", page))
		if name, _, _ := strings.Cut(page, "."); !strings.Contains(text, name) || strings.Contains(text, "warning:") {
			t.Errorf("%s:\n%s", page, text)
		}
	}

	deb := filepath.Join(dist, "reverbd_1.2.3+20261128093000.gabc_"+runtime.GOARCH+".deb")
	installPackage(t, deb)
	if got, want := run(t, "/", "/usr/bin/reverbd", "--version"), "reverbd version v1.2.3-4-gabc\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if out := run(t, "/", "/usr/bin/reverb-bench", "--version"); !strings.Contains(out, "v1.2.3-4-gabc") {
		t.Error(out)
	}
	serveInstalled(t)
	serveProject(t)

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
	command := installedCommand(t, installedUnit)
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

// serveProject runs the server as the unit with the drop-in for a Laravel project does: as the drop-in's user, in the directory of a
// .env that this user may read. The drop-in takes the package's config file away, which it may not read.
func serveProject(t *testing.T) {
	t.Helper()
	const dropIn = "/usr/share/doc/reverbd/deploy/systemd/laravel.conf"
	account, err := user.Lookup(lastValue(t, "User", installedUnit, dropIn))
	must(t, err)
	gid, err := strconv.Atoi(account.Gid)
	must(t, err)
	dir, err := os.MkdirTemp("", "project") // below it, t.TempDir is root's alone
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &server{port: freePort(t)}
	env := fmt.Appendf(nil, "REVERB_APP_ID=%s\nREVERB_APP_KEY=%s\nREVERB_APP_SECRET=%s\nREVERB_SERVER_PORT=%d\n", appID, appKey, appSecret, s.port)
	must(t, os.WriteFile(filepath.Join(dir, ".env"), env, 0o640))
	must(t, errors.Join(os.Chown(dir, 0, gid), os.Chmod(dir, 0o750), os.Chown(filepath.Join(dir, ".env"), 0, gid)))

	if got := lastValue(t, "EnvironmentFile", installedUnit, dropIn); got != "" {
		t.Errorf("the service reads %s besides", got)
	}
	as := []string{"--reuid=" + account.Uid, "--regid=" + lastValue(t, "Group", installedUnit, dropIn), "--init-groups", "--no-new-privs", "--bounding-set=-all"}
	p := startProgram(t, dir, "setpriv", append(as, installedCommand(t, installedUnit, dropIn)...)...)
	p.await(t, "reverbd", func() bool { return answers(s.port) })
	reload := strings.Fields(lastValue(t, "ExecReload", installedUnit, dropIn))
	run(t, dir, "setpriv", append(as, reload...)...)
	c := connect(t, s)
	c.subscribe("news", nil)
	must(t, publisher(s).Trigger("news", "story", "for the project"))
	if got := c.nextEvent("story").text(t); got != "for the project" {
		t.Error(got)
	}
	_ = c.conn.Close()
	p.stop(t)
	if p.err != nil {
		t.Error(p.err)
	}
}

const installedUnit = "/usr/lib/systemd/system/reverbd.service"

// installedCommand is what the installed unit starts, with drop-ins.
func installedCommand(t *testing.T, files ...string) []string {
	t.Helper()
	command := strings.Fields(lastValue(t, "ExecStart", files...))
	if len(command) == 0 {
		t.Fatal("the unit starts nothing")
	}
	return command
}

// lastValue returns what a unit and its drop-ins give a key last, which counts.
func lastValue(t *testing.T, key string, files ...string) string {
	t.Helper()
	value := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, key+"="); ok {
				value = strings.TrimSpace(v)
			}
		}
	}
	return value
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

// The versions of packages ascend with the commits, and a build without a tag is older than any release.
func TestDebianVersions(t *testing.T) {
	requireProgram(t, "dpkg")
	builds := []struct{ version, seconds string }{ // in the order of the commits
		{"fedc111", "1795800000"}, {"abc1234", "1795800001"}, {"0a1b2c3", "1795800002"}, {"0a1b2c3-dirty", "1795800002"},
		{"v1.0.0-rc.1", "1795800003"}, {"v1.0.0-rc.1-2-gfff0000", "1795800004"}, {"v1.0.0", "1795800005"},
		{"v1.0.0-9-gfff0000", "1795800006"}, {"v1.0.0-10-gaaa0000", "1795800007"}, {"v1.0.1", "1795800008"}, {"v1.10.0", "1795800009"},
	}
	last := ""
	for _, b := range builds {
		version := strings.TrimSpace(run(t, "..", "bash", ".ci/debian-version", b.version, b.seconds))
		if strings.Contains(version, "-") {
			t.Errorf("%s has a hyphen", version)
		}
		if last != "" && exec.Command("dpkg", "--compare-versions", last, "lt", version).Run() != nil {
			t.Errorf("%s does not come after %s", version, last)
		}
		last = version
	}
}
