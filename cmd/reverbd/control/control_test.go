package control_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reverbd/cmd/reverbd/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const wait = 10 * time.Second

// socket is a path that is short enough for one.
func socket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func listen(t *testing.T, path string, takeOver bool, version string) *control.Server {
	t.Helper()
	s, err := control.Listen(path, takeOver, func(c control.Command) control.Answer {
		return control.Answer{Notes: []string{string(c)}, Status: &control.Report{PID: os.Getpid(), Version: version}}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, path string) (control.Answer, error) {
	t.Helper()
	c, err := control.Dial([]string{path}, os.Geteuid())
	if err != nil {
		return control.Answer{}, err
	}
	if c.PID != os.Getpid() {
		t.Errorf("process %d answers", c.PID)
	}
	return c.Call(control.Status, wait)
}

func version(t *testing.T, path string) string {
	t.Helper()
	a, err := ask(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return a.Status.Version
}

func TestCall(t *testing.T) {
	path := socket(t)
	s := listen(t, path, false, "1")
	got, err := ask(t, path)
	want := control.Answer{Notes: []string{"status"}, Status: &control.Report{PID: os.Getpid(), Version: "1"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has the mode %v, %v", info.Mode(), err)
	}
	s.Close()
	var none *control.NoServerError
	if _, err := ask(t, path); !errors.As(err, &none) || none.Stale != "" {
		t.Errorf("after Close: %v", err)
	}
}

// What is no request is answered with an error.
func TestBadRequests(t *testing.T) {
	path := socket(t)
	listen(t, path, false, "1")
	for in, want := range map[string]string{
		"hello\n":                        "no line of JSON",
		"{}\n":                           "is no command",
		`{"command":"fly"}` + "\n":       `\"fly\" is no command`,
		strings.Repeat(" ", 5000) + "\n": "too long",
	} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, in)
		out, _ := io.ReadAll(c) // a reset may follow the answer, if more was sent than is read
		if !strings.Contains(string(out), want) {
			t.Errorf("%.20q is answered with %s", in, out)
		}
		_ = c.Close()
	}
}

// The socket of a server that was killed is replaced; that of one which runs is not; a successor takes it over in one step.
func TestListenWhereSomethingIs(t *testing.T) {
	path := socket(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	var none *control.NoServerError
	if _, err := ask(t, path); !errors.As(err, &none) || none.Stale != path || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a socket that is left over: %v", err)
	}

	first := listen(t, path, false, "1")
	if _, err := control.Listen(path, false, nil); !errors.Is(err, control.ErrInUse) {
		t.Errorf("a second server: %v", err)
	}
	second := listen(t, path, true, "2")
	if got := version(t, path); got != "2" {
		t.Errorf("after the succession version %s answers", got)
	}
	first.Close()
	if got := version(t, path); got != "2" {
		t.Errorf("the old one has taken the socket along: %s answers", got)
	}

	third := listen(t, path, true, "3")
	third.Close()
	if !second.Missing() {
		t.Error("a socket that nobody finds is not missed")
	}
	if err := second.Reclaim(path); err != nil {
		t.Fatal(err)
	}
	if got := version(t, path); got != "2" || second.Missing() {
		t.Errorf("after a failed succession version %s answers", got)
	}
	second.Close()

	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(path, true, nil); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("where a file is: %v", err)
	}
}

func TestPlaces(t *testing.T) {
	root, session := t.TempDir(), t.TempDir()
	env := map[string]string{}
	p := control.Paths{UID: os.Getuid(), Root: root, Lookup: func(n string) (string, bool) { v, ok := env[n]; return v, ok }}
	for _, dir := range []string{"run", os.TempDir()} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(session, 0o700); err != nil {
		t.Fatal(err)
	}
	name := control.Name([]string{"b", "a"})
	if name != control.Name([]string{"a", "b"}) || name == control.Name([]string{"a"}) {
		t.Error("the name depends on something else than which addresses there are")
	}
	find := func(want string) {
		t.Helper()
		path, err := p.ForServer(name)
		if err != nil || filepath.Dir(path) != want {
			t.Fatalf("the server takes %s, %v; want %s", path, err, want)
		}
		env = map[string]string{} // whoever asks has another environment
		found := false
		for _, candidate := range p.ForClient(name) {
			found = found || candidate == path
		}
		if !found && want != session {
			t.Errorf("a client looks into %q", p.ForClient(name))
		}
	}
	own := filepath.Join(root, os.TempDir(), fmt.Sprintf("reverbd-%d", os.Getuid()))
	if os.Getuid() == 0 {
		find(filepath.Join(root, "run/reverbd"))
		if err := os.Chmod(filepath.Join(root, "run/reverbd"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	find(own)
	env["XDG_RUNTIME_DIR"] = session
	find(session)
	env["RUNTIME_DIRECTORY"], env["XDG_RUNTIME_DIR"] = session+":/elsewhere", "/nowhere"
	find(session)

	// Nothing that another user could have put there.
	if err := os.RemoveAll(own); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(session, own); err != nil {
		t.Fatal(err)
	}
	if path, err := p.ForServer(name); !errors.Is(err, control.ErrNoDirectory) {
		t.Errorf("a link is followed: %s, %v", path, err)
	}
	if got := p.ForClient(name); len(got) != 0 {
		t.Errorf("a client looks into %q", got)
	}
}

func TestWatch(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := control.Watch(cmd.Process.Pid)
	if err != nil || p == nil {
		t.Fatal(p, err)
	}
	_ = in.Close()
	p.Wait() // though nobody has waited for it
	_ = cmd.Wait()
	if p, err := control.Watch(cmd.Process.Pid); p != nil || err != nil {
		t.Errorf("a process that is gone: %v, %v", p, err)
	}
}

// A stream goes on until the client or the server ends it, and the other side learns of that.
func TestTail(t *testing.T) {
	path := socket(t)
	s := listen(t, path, false, "1")
	ended := make(chan control.Selection, 2)
	s.OnTail(func(sel control.Selection, gone <-chan struct{}, send func(any) error) {
		defer func() { ended <- sel }()
		for n := 0; send(map[string]int{"n": n}) == nil && n < 2; n++ {
		}
		<-gone
	})
	tail := func(f func(line string) error) error {
		c, err := control.Dial([]string{path}, os.Geteuid())
		if err != nil {
			t.Fatal(err)
		}
		return c.Tail(control.Selection{App: "a", Channel: "x*"}, func(line []byte) error { return f(string(line)) })
	}
	enough := errors.New("enough")
	if err := tail(func(string) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the client ends it with %v", err)
	}
	if sel := <-ended; sel.App != "a" || sel.Channel != "x*" {
		t.Errorf("asked for %+v", sel)
	}
	var got string
	if err := tail(func(line string) error {
		if got += line; strings.Count(got, "\n") == 3 {
			go s.Close()
		}
		return nil
	}); err != nil {
		t.Errorf("the server ends it with %v", err)
	}
	if <-ended; got != "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n" {
		t.Errorf("got %q", got)
	}
}
