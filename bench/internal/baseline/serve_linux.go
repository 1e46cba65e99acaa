package baseline

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// Serve is the main function of the process. It reads a Config from in, writes its port and the ids of its threads to out, and
// returns when in ends, which happens at the latest when the process that started it ends. The process should do nothing else, and
// be started with GODEBUG=asyncpreemptoff=1.
func Serve(in io.Reader, out io.Writer) error {
	var c Config
	if err := json.NewDecoder(in).Decode(&c); err != nil {
		return fmt.Errorf("baseline: reading the configuration: %w", err)
	}
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(c.Threads + 1) // a thread in RawSyscall keeps its processor; one is for this goroutine
	port := 0
	var shared lists
	serving := make(chan int)
	line := announcement{}
	for range c.Threads {
		listener, err := listen(&port)
		if err != nil {
			return err
		}
		t, err := newThread(listener, &shared, c.Replies)
		if err != nil {
			return err
		}
		go t.run(serving)
		line.Threads = append(line.Threads, <-serving)
	}
	line.Port = port
	if err := json.NewEncoder(out).Encode(line); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	_, err := io.Copy(io.Discard, in)
	return err
}

// listen opens a listener on *port. If that is 0 the kernel chooses the port, and *port is set to it.
func listen(port *int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	// Accepted sockets inherit TCP_NODELAY.
	for _, option := range []struct{ level, name int }{
		{unix.SOL_SOCKET, unix.SO_REUSEADDR}, {unix.SOL_SOCKET, unix.SO_REUSEPORT}, {unix.IPPROTO_TCP, unix.TCP_NODELAY},
	} {
		if err := unix.SetsockoptInt(fd, option.level, option.name, 1); err != nil {
			return 0, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: *port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	*port = bound.(*unix.SockaddrInet4).Port // the port that the kernel chose
	const backlog = 4096
	return fd, os.NewSyscallError("listen", unix.Listen(fd, backlog))
}
