package e2e

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	pusher "github.com/pusher/pusher-http-go/v5"
	"golang.org/x/sys/unix"
)

// The log and the output of --debug: whatever becomes of what reads them, the server serves and stops when it is told to.

// startLogging starts reverbd --dev, which shows all traffic, with its output going to stream, which is closed here.
func startLogging(t *testing.T, stream *os.File) *server {
	t.Helper()
	port := freePort(t)
	s := &server{port: port, dir: t.TempDir(), binary: serverBinary, stream: stream,
		args: []string{"--dev", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--reactors", "2", "--drain-timeout", "0"}}
	err := s.start()
	if stream.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.awaitReady(); err != nil {
		t.Fatal(err)
	}
	return s
}

// talkative has n batches of ten events published and received, about 5 kB of debug output each.
func talkative(t *testing.T, s *server, n int) {
	t.Helper()
	c := connect(t, s)
	room := strings.Repeat("long-", 35) + "room"
	c.subscribe(room, nil)
	p := publisher(s)
	info := "subscription_count" // with it the library understands the answer
	for i := range n {
		var batch []pusher.Event
		for k := range 10 {
			batch = append(batch, pusher.Event{Channel: room, Name: "line", Data: strconv.Itoa(10*i + k), Info: &info})
		}
		if _, err := p.TriggerBatch(batch); err != nil {
			t.Fatal(err)
		}
		for k := range 10 {
			if got := c.nextEvent("line").text(t); got != strconv.Itoa(10*i+k) {
				t.Fatalf("got event %s, want %d", got, 10*i+k)
			}
		}
	}
	c.send("this is no JSON") // which is logged, too
	c.nextEvent("pusher:error")
}

// smallPipe is a pipe that holds one page.
func smallPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// Standard output and error are a pipe that nobody reads. When somebody does, the first line that it gets behind the ones
// that waited tells how many are lost.
func TestLogThatNobodyReads(t *testing.T) {
	r, w := smallPipe(t)
	s := startLogging(t, w)
	talkative(t, s, 400)

	told := make(chan string, 1)
	go func() {
		var text strings.Builder
		_, _ = io.Copy(&text, r)
		told <- text.String()
	}()
	talkative(t, s, 1)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if text := <-told; !strings.Contains(text, "lines are not shown: nobody took them in time") {
		t.Errorf("%d bytes of output do not tell of the lines that are lost", len(text))
	}
}

// Nobody ever reads, and SIGTERM is obeyed all the same.
func TestLogThatNobodyEverReads(t *testing.T) {
	_, w := smallPipe(t)
	s := startLogging(t, w)
	talkative(t, s, 20)
	c := connect(t, s)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	c.expectDismissal(4200, "Server is going away")
}

// The reader goes away: SIGPIPE ends a program that does not expect it.
func TestLogWhoseReaderIsGone(t *testing.T) {
	r, w := smallPipe(t)
	s := startLogging(t, w)
	c := connect(t, s)
	_ = r.Close()
	talkative(t, s, 20)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	c.expectDismissal(4200, "Server is going away")
}

func TestLogOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := startLogging(t, full)
	talkative(t, s, 20)
	await(t, "the number of lost lines in the status", func() bool {
		return strings.Contains(s.must(t, "status"), "log lines lost")
	})
}

// A server that cannot start ends with its exit code even if nobody can be told why.
func TestComplaintThatNobodyReads(t *testing.T) {
	_, w := smallPipe(t)
	if _, err := fmt.Fprint(w, strings.Repeat("x", 4096)); err != nil {
		t.Fatal(err)
	}
	s := &server{binary: serverBinary, dir: t.TempDir(), stream: w, args: []string{"--port", "no port"}}
	err := s.start()
	if w.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}
