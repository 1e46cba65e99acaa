package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"
)

// container is reverbd as deploy/Dockerfile has it: a root file system with nothing but the static binary, and process 1.
type container struct {
	*program
	t      *testing.T
	root   string
	user   string // uid:gid
	env    []string
	server *server
}

// startContainer runs the image's command as a container engine does, without network isolation.
func startContainer(t *testing.T, binary, user string, readOnly bool, env ...string) *container {
	t.Helper()
	port := freePort(t)
	c := &container{t: t, root: publicDir(t), user: user, server: &server{port: port}}
	for dir, owner := range map[string]int{"usr/bin": 0, "srv": 65532, "run/reverbd": 65532, "proc": 0} {
		must(t, os.MkdirAll(filepath.Join(c.root, dir), 0o755))
		must(t, os.Chown(filepath.Join(c.root, dir), owner, owner))
	}
	must(t, os.Link(binary, filepath.Join(c.root, "usr/bin/reverbd")))
	c.env = slices.Concat(env, []string{"REVERB_APP_ID=" + appID, "REVERB_APP_KEY=" + appKey, "REVERB_APP_SECRET=" + appSecret,
		"REVERB_SERVER_PORT=" + strconv.Itoa(port), "REVERB_DRAIN_DELAY=0", "REVERB_DRAIN_TIMEOUT=1"}) // the later one counts
	mount := "mount --bind . . && cd \"$PWD\" && mount -t proc proc proc"
	if readOnly {
		mount += " && mount -o remount,bind,ro ."
	}
	args := append([]string{"--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mount + ` && exec "$@"`, "sh"}, c.inside("start")...)
	c.program = startProgram(t, c.root, "unshare", args...)
	t.Cleanup(func() { c.signal(syscall.SIGTERM) }) // unshare itself does not pass it on
	c.await(t, "an answer", func() bool {
		res, err := http.Get(c.server.url("/up"))
		if err != nil {
			return false
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
	return c
}

// inside is the command line of reverbd in the container: no capability, no new privileges, and no environment but its own.
func (c *container) inside(command string) []string {
	line := append([]string{"setpriv", "--no-new-privs", "env", "-i"}, c.env...)
	return append(line, requireProgram(c.t, "chroot"), "--userspec="+c.user, ".", "/usr/bin/reverbd", command)
}

// pid is process 1 of the container, 0 when it has ended.
func (c *container) pid() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", c.cmd.Process.Pid))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

func (c *container) signal(s syscall.Signal) {
	c.t.Helper()
	if pid := c.pid(); pid != 0 {
		must(c.t, syscall.Kill(pid, s))
	}
}

// exec runs a command in the container, as its health check, and returns the exit code and what it printed.
func (c *container) exec(command string) (int, string) {
	c.t.Helper()
	args := append([]string{"--target", strconv.Itoa(c.pid()), "--mount", "--pid", "--wd=" + c.root}, c.inside(command)...)
	cmd := exec.CommandContext(c.t.Context(), requireProgram(c.t, "nsenter"), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// The image serves, is healthy, restarts and stops whatever it may not write to, and whoever it runs as.
func TestContainer(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(publicDir(t), "reverbd")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../cmd/reverbd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const image = "XDG_RUNTIME_DIR=/run/reverbd"
	for _, tc := range []struct {
		name, user  string
		readOnly    bool
		env         []string
		unreachable bool // for commands
	}{
		{"as it is", "65532:65532", false, []string{image}, false},
		{"readOnlyRootFilesystem", "65532:65532", true, []string{image}, true},
		{"another user", "1000:1000", false, []string{image}, true},
		{"another user, read-only", "1000:1000", true, []string{image}, true},
		{"no directory is known", "1000:1000", true, nil, true},
		{"root, read-only", "0:0", true, []string{image, "HOME=/root"}, true},
		{"Kubernetes", "65532:65532", true, append(settingsOf(t, "kubernetes/configmap.yaml", "data"), image, "REDIS_PORT=tcp://10.96.0.1:6379"), true},
		{"docker compose", "65532:65532", true, append(settingsOf(t, "compose.yaml", "services", "reverbd", "environment"), image), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := startContainer(t, binary, tc.user, tc.readOnly, tc.env...)
			connect(t, c.server).subscribe("news", nil)
			healthy := func() {
				t.Helper()
				if code, out := c.exec("healthcheck"); code != 0 {
					t.Errorf("healthcheck: exit code %d, %s", code, out)
				}
			}
			healthy()
			if code, out := c.exec("status"); (code != 0) != tc.unreachable {
				t.Errorf("status: exit code %d, %s", code, out)
			}
			if told := strings.Contains(c.output.String(), "will not reach this server"); told != tc.unreachable {
				t.Errorf("it says that commands will not reach it: %v", told)
			}

			first := connect(t, c.server)
			c.signal(syscall.SIGUSR2)
			for m := ""; m != "closed"; { // by the old process
				text, err := first.read()
				if m = text; err != nil {
					m = "closed"
				}
			}
			connect(t, c.server).subscribe("news", nil)
			healthy()

			if out := c.output.String(); strings.Contains(out, "did you mean") {
				t.Error(out)
			}
			c.signal(syscall.SIGTERM)
			<-c.exited
			if c.err != nil {
				t.Error(c.err)
			}
			if code, out := c.unhealthy(); code == 0 {
				t.Errorf("healthcheck of nobody: %s", out)
			}
		})
	}
}

// settingsOf are the environment variables that a file of deploy/ has at a path.
func settingsOf(t *testing.T, file string, path ...string) (env []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../deploy", file))
	must(t, err)
	var at any
	must(t, yaml.Unmarshal(text, &at))
	for _, key := range path {
		at = at.(map[string]any)[key]
	}
	for name, value := range at.(map[string]any) {
		env = append(env, fmt.Sprintf("%s=%v", name, value))
	}
	return env
}

// What deploy/kubernetes has is what Kubernetes takes.
func TestKubernetesManifests(t *testing.T) {
	t.Parallel()
	runScenarios(t, "kubernetes", &server{port: 1})
}

// unhealthy is the health check when the server is gone.
func (c *container) unhealthy() (int, string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(c.root, "usr/bin/reverbd"), "healthcheck")
	cmd.Env, cmd.Dir = c.env, c.root
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}
