package eventloop

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"reverbd/broadcast"
)

// BenchmarkConnections measures the memory and the CPU time of a connection without and with TLS. The clients are in a process of their
// own:
//
//	go test -run '^$' -bench Connections -benchtime 1x ./eventloop
func BenchmarkConnections(b *testing.B) {
	for _, name := range []string{"plain", "TLS 1.2", "TLS 1.3", "TLS 1.3 resumed"} {
		b.Run(name, func(b *testing.B) { benchmarkConnections(b, name) })
	}
}

const benchConnections = 5000

func benchmarkConnections(b *testing.B, name string) {
	cert, _ := authority(b)
	o := Options{Listeners: []net.Listener{loopback(b)}, Hub: broadcast.NewHub(broadcast.Options{Loops: 2}), API: &api{}}
	directory := o.Hub.NewDirectory("app")
	o.Accept = func(string) Session { return &session{directory: directory} }
	if name != "plain" {
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	s := New(o)
	ended := make(chan error, 1)
	go func() { ended <- s.Run() }()
	<-s.Booted()
	defer func() {
		_ = s.Shutdown(b.Context(), 0, 0)
		<-ended
	}()
	for b.Loop() {
		memory, cpu := heap(), cpuTime(b)
		clients := exec.Command(os.Args[0])
		clients.Env = append(os.Environ(), childRole+"=clients", "BENCH_CLIENTS="+name+"|"+o.Listeners[0].Addr().String())
		stop, _ := clients.StdinPipe()
		said, _ := clients.StdoutPipe()
		clients.Stderr = os.Stderr
		if err := clients.Start(); err != nil {
			b.Fatal(err)
		}
		if _, err := bufio.NewReader(said).ReadString('\n'); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(cpuTime(b)-cpu)/benchConnections, "us-cpu/conn")
		b.ReportMetric(float64(heap()-memory)/benchConnections, "B/conn")
		_ = stop.Close()
		_ = clients.Wait()
	}
}

// heap is the size of the heap after a garbage collection, in bytes.
func heap() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// cpuTime is the CPU time of this process, in microseconds.
func cpuTime(b *testing.B) int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return (u.Utime.Nano() + u.Stime.Nano()) / 1000
}

// benchClients connects, prints a line, and keeps the connections until its standard input ends.
func benchClients() {
	name, addr, _ := strings.Cut(os.Getenv("BENCH_CLIENTS"), "|")
	config := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS13}
	if name == "TLS 1.2" {
		config.MaxVersion = tls.VersionTLS12
	}
	if name == "TLS 1.3 resumed" {
		config.ClientSessionCache, config.ServerName = tls.NewLRUClientSessionCache(1), "localhost"
	}
	var all []net.Conn
	for range benchConnections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if name != "plain" {
			c = tls.Client(c, config)
		}
		if _, err := io.WriteString(c, upgradeRequest); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if _, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil); err != nil {
			fmt.Fprintln(os.Stderr, strconv.Quote(err.Error()))
			os.Exit(1)
		}
		all = append(all, c)
	}
	fmt.Println("connected")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(all)
}
