package bench_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"reverbd/bench"
)

// TestMain lets the test program be what a run starts beside itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains(bench.Subprograms, os.Args[1]) {
		if err := bench.Subprogram(os.Args[1], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// self starts this program again. With the race detector it would otherwise sleep for a second before it exits.
func self(name string) *exec.Cmd {
	command := exec.Command(os.Args[0], name)
	command.Env = []string{"GORACE=atexit_sleep_ms=0"}
	return command
}

// scenario returns small options for a scenario against a server.
func scenario(name, url string) bench.Options {
	o := bench.Options{
		URLs: []string{url}, AppID: "app-id", Key: "app-key", Secret: "app-secret",
		Scenario: name, Connections: 40, Channels: 1, Repeat: 1, Self: self,
	}
	switch name {
	case "fanout":
		o.Channels, o.Publishers, o.Batch, o.Size, o.Events = 2, 1, 1, 100, 50
	case "soak":
		o.Connections, o.Publishers, o.Batch, o.Size, o.Rate, o.Duration = 80, 2, 1, 100, 400, time.Second
	case "ping":
		o.Publishers, o.Batch, o.Size, o.Duration = 1, 1, 100, 500*time.Millisecond
	case "slow":
		o.Connections, o.Slow, o.Publishers, o.Batch, o.Size, o.Rate, o.Duration = 5, 2, 1, 1, 8000, 1500, 4*time.Second
	case "all":
		o.Connections, o.Duration = 160, 200*time.Millisecond
	case "storm":
		o.Publishers, o.Batch, o.Size, o.Events = 1, 1, 100, 5
	case "channels":
		o.Channels, o.Publishers, o.Batch, o.Size, o.Events = 10, 3, 1, 100, 100
	case "publish":
		o.Channels, o.Publishers, o.Batch, o.Size, o.Events, o.NewConns = 20, 3, 1, 100, 60, true
	case "idle":
		o.PingInterval, o.Duration = time.Second, 300*time.Millisecond
	case "presence":
		o.Joiners, o.Events = 2, 60
	case "whisper":
		o.Channels, o.Size, o.Events = 20, 100, 200
	}
	return o
}

// run carries out a scenario and ends the test if that cannot be done.
func run(t *testing.T, o bench.Options) bench.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	report, err := bench.Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// reverbd builds the real server and starts it.
func reverbd(t *testing.T, flags ...string) (url string, pid int) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "reverbd")
	if out, err := exec.Command("go", "build", "-o", binary, "reverbd/cmd/reverbd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	port := freePort(t)
	var log strings.Builder
	server := exec.Command(binary, append([]string{"--dev", "--reactors", "2", "--port", fmt.Sprint(port)}, flags...)...)
	server.Env = append(os.Environ(), "REVERB_DEBUG=false")
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for range 200 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return "ws://" + address, server.Process.Pid
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatal("the server does not listen")
	return "", 0
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
