package eventloop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// What this package relies on in gnet beyond its documentation, with a test for each fact. If one fails after an update of gnet, its
// comment says what relies on it.

// handlers is a gnet event handler made of functions.
type handlers struct {
	gnet.BuiltinEventEngine
	open     func(gnet.Conn) gnet.Action
	traffic  func(gnet.Conn) gnet.Action
	closed   func(gnet.Conn, error)
	tick     func()
	shutdown func()
}

func (h *handlers) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if h.open != nil {
		return nil, h.open(c)
	}
	return nil, gnet.None
}

func (h *handlers) OnTraffic(c gnet.Conn) gnet.Action {
	if h.traffic != nil {
		return h.traffic(c)
	}
	_, _ = c.Discard(-1)
	return gnet.None
}

func (h *handlers) OnClose(c gnet.Conn, err error) gnet.Action {
	if h.closed != nil {
		h.closed(c, err)
	}
	return gnet.None
}

func (h *handlers) OnShutdown(gnet.Engine) {
	if h.shutdown != nil {
		h.shutdown()
	}
}

func (h *handlers) OnTick() (time.Duration, gnet.Action) {
	if h.tick != nil {
		h.tick()
	}
	return 10 * time.Millisecond, gnet.None
}

// startGnet runs an engine as Server.Run does until the test ends: it has loops, and the connections that it serves are enrolled. stop
// may be called before.
func startGnet(t *testing.T, h *handlers, loops int) (addr string, stop func()) {
	t.Helper()
	engine, err := runGnet(h, loops)
	if err != nil {
		t.Fatal(err)
	}
	l := loopback(t)
	var accepting sync.WaitGroup
	accepting.Go(func() { enrollAll(engine, l) })
	stop = sync.OnceFunc(func() {
		_ = l.Close()
		accepting.Wait()
		if err := engine.Stop(); err != nil {
			t.Error("stopping gnet:", err)
		}
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func runGnet(h *handlers, loops int) (*gnet.Client, error) {
	engine, err := gnet.NewClient(h, gnet.WithNumEventLoop(loops), gnet.WithTicker(h.tick != nil), gnet.WithLogger(zap.NewNop().Sugar()))
	if err != nil {
		return nil, err
	}
	return engine, engine.Start()
}

// enrollAll enrolls all connections to l.
func enrollAll(engine *gnet.Client, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = engine.Enroll(c)
	}
}

// loopback listens on a port of this machine until the test ends.
func loopback(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func dialTCP(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*net.TCPConn)
}

func sendTo(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Error(err)
	}
}

func receiveOne[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(20 * time.Second):
		t.Fatal("did not happen: " + what)
	}
	return v
}

// A task that executes itself again keeps the loop from polling, so no client is read. That is why loop.reschedule does not use Execute
// but a waker.
func TestGnetExecuteStarvesThePoller(t *testing.T) {
	const rounds = 5000
	others := make(chan net.Conn, 1)
	done, read := 0, make(chan int, 1)
	h := &handlers{}
	h.traffic = func(c gnet.Conn) gnet.Action {
		p, _ := c.Next(-1)
		if string(p) != "go" {
			read <- done
			return gnet.None
		}
		var again func(context.Context) error
		again = func(context.Context) error {
			if done++; done == 10 {
				sendTo(t, <-others, "x") // is in the socket from here on
			}
			if done < rounds {
				return c.EventLoop().Execute(context.Background(), gnet.RunnableFunc(again))
			}
			return nil
		}
		_ = again(context.Background())
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	first := dialTCP(t, addr)
	others <- dialTCP(t, addr)
	sendTo(t, first, "go")
	if n := receiveOne(t, read, "the other client is read"); n != rounds {
		t.Errorf("the other client was read in round %d of %d, so that Execute lets the loop poll", n, rounds)
	}
}

// An enrolled socket is an event beside those of the clients: between two events of it the loop serves the clients that have sent
// something. OnOpen and OnTraffic get its context, on the loop that it was enrolled in. newWaker relies on all of that.
func TestGnetEnrolledSocketDoesNotStarveThePoller(t *testing.T) {
	const rounds = 5000
	type wakeEnd struct{ fd int }
	others := make(chan net.Conn, 1)
	opened, read := make(chan gnet.EventLoop, 1), make(chan int, 1)
	done, stopped := 0, false
	h := &handlers{}
	h.open = func(c gnet.Conn) gnet.Action {
		if _, ok := c.Context().(*wakeEnd); ok {
			opened <- c.EventLoop()
		}
		return gnet.None
	}
	h.traffic = func(c gnet.Conn) gnet.Action {
		p, _ := c.Next(-1)
		if b, ok := c.Context().(*wakeEnd); ok {
			if done++; done < rounds && !stopped {
				_, _ = unix.Write(b.fd, []byte{1})
			}
			return gnet.None
		}
		switch string(p) {
		case "enroll":
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Error(err)
				return gnet.None
			}
			f := os.NewFile(uintptr(fds[0]), "waker")
			defer f.Close()
			bc, err := net.FileConn(f)
			if err != nil {
				t.Error(err)
				return gnet.None
			}
			b := &wakeEnd{fds[1]}
			c.SetContext(b.fd)
			if _, err := c.EventLoop().Enroll(gnet.NewContext(context.Background(), b), bc); err != nil {
				t.Error(err)
			}
		case "go":
			sendTo(t, <-others, "x")
			_, _ = unix.Write(c.Context().(int), []byte{1})
		default:
			stopped = true
			read <- done
		}
		return gnet.None
	}
	h.closed = func(c gnet.Conn, _ error) {
		if fd, ok := c.Context().(int); ok {
			_ = unix.Close(fd)
		}
	}
	addr, _ := startGnet(t, h, 1)
	first := dialTCP(t, addr)
	others <- dialTCP(t, addr)
	sendTo(t, first, "enroll")
	receiveOne(t, opened, "the socket is enrolled")
	sendTo(t, first, "go")
	if n := receiveOne(t, read, "the other client is read"); n >= rounds {
		t.Error("the other client had to wait for the end")
	}
}

// Tasks do not run in the order of Execute once 1,024 wait. That is why events wait in the mailbox of the loop, and Execute only wakes
// it.
func TestGnetExecuteOvertakes(t *testing.T) {
	const tasks = 1500
	var order []int
	finished := make(chan struct{})
	h := &handlers{}
	h.traffic = func(c gnet.Conn) gnet.Action {
		_, _ = c.Discard(-1)
		el, ctx := c.EventLoop(), context.Background()
		for i := range tasks {
			_ = el.Execute(ctx, gnet.RunnableFunc(func(context.Context) error {
				order = append(order, i)
				switch len(order) {
				case 100: // by now there is room in the first queue again
					_ = el.Execute(ctx, gnet.RunnableFunc(func(context.Context) error {
						order = append(order, tasks)
						return nil
					}))
				case tasks + 1:
					close(finished)
				}
				return nil
			}))
		}
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	sendTo(t, dialTCP(t, addr), "x")
	receiveOne(t, finished, "all tasks have run")
	if slices.IsSorted(order) {
		t.Error("the tasks have run in order")
	}
}

// A write that fails has closed the connection and called OnClose before it returns. So conn.Write may remove its Subscriber, and
// iterations over subscribers must survive that (broadcast.Set, Loop.Flush).
func TestGnetFailingWriteClosesBeforeItReturns(t *testing.T) {
	clients := make(chan *net.TCPConn, 1)
	closed := false
	result := make(chan error, 1)
	h := &handlers{}
	h.closed = func(gnet.Conn, error) { closed = true }
	h.traffic = func(c gnet.Conn) gnet.Action {
		_, _ = c.Discard(-1)
		client := <-clients
		_ = client.SetLinger(0)
		_ = client.Close() // resets the connection
		for range 1000 {
			_, err := c.Write([]byte("x"))
			switch {
			case err != nil && closed:
				result <- nil
				return gnet.None
			case err != nil:
				result <- fmt.Errorf("failed (%w), and OnClose had not run", err)
				return gnet.None
			case closed:
				result <- errors.New("OnClose has run, and Write reports no failure")
				return gnet.None
			}
		}
		result <- errors.New("a write to a reset connection does not fail")
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	client := dialTCP(t, addr)
	clients <- client
	sendTo(t, client, "x")
	if err := receiveOne(t, result, "a write fails"); err != nil {
		t.Error(err)
	}
}

// A write to a Conn after its end goes to the connection that has its descriptor number now. That is why conn.closed sets stateClosed
// in its first line, and why every use of conn.gnet checks the state.
func TestGnetStaleConnWritesToAnotherClient(t *testing.T) {
	const secret = "not for you"
	stale := make(chan gnet.Conn, 1)
	h := &handlers{traffic: func(c gnet.Conn) gnet.Action {
		_, _ = c.Discard(-1)
		stale <- c
		return gnet.Close
	}}
	addr, _ := startGnet(t, h, 1)
	l := loopback(t)
	var others []*net.TCPConn
	for range 10 { // they wait to be accepted, so that their own descriptors have other numbers
		others = append(others, dialTCP(t, l.Addr().String()))
	}
	first := dialTCP(t, addr)
	sendTo(t, first, "x")
	c := receiveOne(t, stale, "the first client is read")
	number, el := c.Fd(), c.EventLoop()
	if _, err := io.ReadAll(first); err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		if descriptorOf(t, accepted) != number {
			continue
		}
		_ = el.Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			_, err := c.Write([]byte(secret))
			return err
		}))
		got := make([]byte, len(secret))
		if _, err := io.ReadFull(other, got); err != nil || string(got) != secret {
			t.Error("gnet guards Write after the close now:", got, err)
		}
		return
	}
	t.Error("the descriptor was never used again")
}

func descriptorOf(t *testing.T, c net.Conn) (number int) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { number = int(fd) })
	return number
}

// EventLoop.Close calls OnClose before it returns, and passes to the kernel what it takes of the buffered bytes. conn.drop relies on the
// former.
func TestGnetCloseIsSynchronous(t *testing.T) {
	closed, result := false, make(chan bool, 1)
	h := &handlers{}
	h.closed = func(gnet.Conn, error) { closed = true }
	h.traffic = func(c gnet.Conn) gnet.Action {
		_, _ = c.Discard(-1)
		_, _ = c.Write([]byte("bye"))
		_ = c.EventLoop().Close(c)
		result <- closed
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	c := dialTCP(t, addr)
	sendTo(t, c, "x")
	if !receiveOne(t, result, "Close returns") {
		t.Error("OnClose comes later")
	}
	if got, err := io.ReadAll(c); string(got) != "bye" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
}

// gnet closes the connection of a client that shuts down writing, though the client could still read. So a client gets only what it
// waits for with its end open: conn.lingeringClose waits for the end of the client, and no client need wait for that of the server.
func TestGnetClosesHalfClosedConnections(t *testing.T) {
	closed := make(chan error, 1)
	h := &handlers{}
	h.closed = func(_ gnet.Conn, err error) { closed <- err }
	addr, _ := startGnet(t, h, 1)
	c := dialTCP(t, addr)
	_ = c.CloseWrite()
	if err := receiveOne(t, closed, "OnClose"); err == nil {
		t.Error("no reason was given")
	}
	if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
}

// The outbound buffer of a client that does not read has no limit, and OutboundBuffered returns its size. conn.Write compares that with
// Limits.SlowConsumerBytes.
func TestGnetOutboundBufferHasNoLimit(t *testing.T) {
	const chunk, chunks = 64 << 10, 512
	buffered := make(chan int, 1)
	h := &handlers{}
	h.traffic = func(c gnet.Conn) gnet.Action {
		_, _ = c.Discard(-1)
		p := bytes.Repeat([]byte{'x'}, chunk)
		for range chunks {
			if n, err := c.Write(p); n != chunk || err != nil {
				t.Error(n, err)
			}
			p[0]++ // Write has copied what it could not send
			p[0]--
		}
		buffered <- c.OutboundBuffered()
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	c := dialTCP(t, addr)
	sendTo(t, c, "x")
	// The kernel buffers a few MiB, by its settings.
	if n := receiveOne(t, buffered, "everything is written"); n < chunk*chunks/2 || n > chunk*chunks {
		t.Errorf("%d bytes wait, of %d written", n, chunk*chunks)
	}
	got := make([]byte, chunk*chunks)
	if _, err := io.ReadFull(c, got); err != nil || bytes.Count(got, []byte{'x'}) != len(got) {
		t.Error("not everything has arrived:", err)
	}
}

// OnTick runs on a goroutine of its own: a loop that is busy does not hold it up, and it must not use what a loop owns. Server.OnTick
// only posts.
func TestGnetTickIsNotOnALoop(t *testing.T) {
	var ticks atomic.Int64
	result := make(chan bool, 1)
	h := &handlers{tick: func() { ticks.Add(1) }}
	h.traffic = func(c gnet.Conn) gnet.Action {
		_, _ = c.Discard(-1)
		start := ticks.Load()
		for range 2000 {
			if ticks.Load() >= start+3 {
				break
			}
			time.Sleep(5 * time.Millisecond) // the loop is held up
		}
		result <- ticks.Load() >= start+3
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	sendTo(t, dialTCP(t, addr), "x")
	if !receiveOne(t, result, "the loop goes on") {
		t.Error("no tick while a loop was busy")
	}
}

// There are as many loops as were asked for, whatever the machine has. Client.Enroll takes the loop with the fewest connections and returns
// when OnOpen has returned there, and EventLoop is the same comparable value for every connection of a loop. loop.attach relies on that:
// it finds each loop by the first connection there.
func TestGnetLoopsAreLearntFromConnections(t *testing.T) {
	const loops = 5
	var opened gnet.EventLoop
	h := &handlers{}
	h.open = func(c gnet.Conn) gnet.Action {
		opened = c.EventLoop()
		return gnet.None
	}
	engine, err := runGnet(h, loops)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Stop()
	l := loopback(t)
	seen := map[gnet.EventLoop]int{}
	for range 2 * loops {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		opened = nil
		if _, err := engine.Enroll(c); err != nil || opened == nil {
			t.Fatal("enrolled, and OnOpen has not run:", err)
		}
		seen[opened]++
	}
	if len(seen) != loops {
		t.Errorf("%d loops, want %d", len(seen), loops)
	}
	for el, n := range seen {
		if n != 2 {
			t.Errorf("%d connections in loop %p, want 2", n, el)
		}
	}
}

// EventLoop.Enroll duplicates the connection and closes that of the caller. OnOpen has the context and both addresses, and that loop
// serves the connection. The result comes when OnOpen has returned, and need not be waited for. acceptors.enroll relies on that.
func TestGnetEnrollTakesTheConnectionOver(t *testing.T) {
	var el gnet.EventLoop
	opened := make(chan gnet.Conn, 1)
	h := &handlers{}
	h.open = func(c gnet.Conn) gnet.Action {
		el = c.EventLoop()
		if c.Context() != nil {
			opened <- c
		}
		return gnet.None
	}
	h.traffic = func(c gnet.Conn) gnet.Action {
		p, _ := c.Peek(-1)
		_, _ = c.Write(p)
		_, _ = c.Discard(-1)
		return gnet.None
	}
	engine, err := runGnet(h, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Stop()
	l := loopback(t)
	dialTCP(t, l.Addr().String())
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Enroll(first); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		client := dialTCP(t, l.Addr().String())
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		result, err := el.Enroll(gnet.NewContext(context.Background(), client), c)
		if err != nil {
			t.Fatal(err)
		}
		g := receiveOne(t, opened, "OnOpen")
		if g.EventLoop() != el || g.Context() != client || g.RemoteAddr().String() != client.LocalAddr().String() {
			t.Error("enrolled elsewhere:", g.Context(), g.RemoteAddr())
		}
		if r := receiveOne(t, result, "a result"); r.Err != nil || r.Conn != g {
			t.Error("result:", r)
		}
		eventually(t, "the caller's connection is closed", func() bool {
			return errors.Is(c.SetDeadline(time.Time{}), net.ErrClosed)
		})
		sendTo(t, client, "x")
		if n, err := client.Read(make([]byte, 1)); n != 1 {
			t.Error("not served:", err)
		}
	}
}

// gnet has no timers and no deadlines. That is why there is a timer wheel.
func TestGnetHasNoTimers(t *testing.T) {
	result := make(chan [2]error, 1)
	h := &handlers{}
	h.open = func(c gnet.Conn) gnet.Action {
		result <- [2]error{
			c.SetDeadline(time.Now().Add(time.Second)),
			c.EventLoop().Schedule(context.Background(), gnet.RunnableFunc(func(context.Context) error { return nil }), time.Second),
		}
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	dialTCP(t, addr)
	if errs := receiveOne(t, result, "OnOpen"); errs[0] == nil || errs[1] == nil {
		t.Error("supported by now:", errs)
	}
}

// When the engine is stopped the loops still run during OnShutdown, and then OnClose is called for every connection. Server.Shutdown sends
// close frames before it stops the engine, while loops run; and sessions rely on the call of Gone.
func TestGnetShutdownRunsBeforeTheLoopsStop(t *testing.T) {
	var conn atomic.Value
	opened, closed := make(chan struct{}), make(chan struct{})
	h := &handlers{}
	h.open = func(c gnet.Conn) gnet.Action {
		conn.Store(c)
		close(opened)
		return gnet.None
	}
	h.closed = func(gnet.Conn, error) { close(closed) }
	h.shutdown = func() {
		c := conn.Load().(gnet.Conn)
		_ = c.EventLoop().Execute(context.Background(), gnet.RunnableFunc(func(context.Context) error {
			_, err := c.Write([]byte("bye"))
			return err
		}))
	}
	addr, stop := startGnet(t, h, 1)
	c := dialTCP(t, addr)
	receiveOne(t, opened, "OnOpen")
	stop()
	receiveOne(t, closed, "OnClose")
	if got, err := io.ReadAll(c); string(got) != "bye" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
}

// Peek returns the read buffer of the loop, which the next read overwrites, and after Discard gnet keeps none of it. So conn.receive copies
// what it keeps (requestReader.buffered, ws.Reader), and an idle connection has no buffer.
func TestGnetPeekAliasesTheLoopsBuffer(t *testing.T) {
	var kept []byte
	result := make(chan string, 2)
	h := &handlers{}
	h.traffic = func(c gnet.Conn) gnet.Action {
		p, _ := c.Peek(-1)
		if kept == nil {
			kept = p
		}
		if c.InboundBuffered() != len(p) {
			t.Errorf("%d bytes buffered, %d seen", c.InboundBuffered(), len(p))
		}
		_, _ = c.Discard(-1)
		if n := c.InboundBuffered(); n != 0 {
			t.Errorf("%d bytes buffered when everything is discarded", n)
		}
		result <- string(p) + "/" + string(kept)
		return gnet.None
	}
	addr, _ := startGnet(t, h, 1)
	first, second := dialTCP(t, addr), dialTCP(t, addr)
	sendTo(t, first, "first")
	if got := receiveOne(t, result, "a read"); got != "first/first" {
		t.Error(got)
	}
	sendTo(t, second, "other") // of another client of the loop
	if got := receiveOne(t, result, "a read"); got != "other/other" {
		t.Errorf("got %s: the first read's bytes are still there", got)
	}
}

// children is what this test binary does by childRole.
var children = map[string]func(){
	"clients": benchClients,
	"gnet and a panic": func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Println(err)
			os.Exit(5)
		}
		engine, err := runGnet(&handlers{traffic: func(gnet.Conn) gnet.Action { panic("on purpose") }}, 2)
		if err != nil {
			fmt.Println(err)
			os.Exit(6)
		}
		fmt.Println(l.Addr())
		enrollAll(engine, l)
	},
}

// lines is what a child prints.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func startChild(t *testing.T, role string) (addr string, out *lines, exited <-chan error) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the limits of other systems are not pinned")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out = &lines{}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end, ended := make(chan error, 1), make(chan struct{})
	go func() {
		end <- cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for range 1000 {
		if first, _, ok := strings.Cut(out.String(), "\n"); ok {
			return first, out, end
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the child says nothing")
	return "", nil, nil
}

// A panic in a handler ends the process. That is why Server.recovered is deferred at every entry: receive, OnClose, runMailbox, fire,
// drain.
func TestGnetDoesNotRecover(t *testing.T) {
	addr, out, exited := startChild(t, "gnet and a panic")
	sendTo(t, dialTCP(t, addr), "x")
	if err := receiveOne(t, exited, "the process ends"); err == nil || !strings.Contains(out.String(), "on purpose") {
		t.Errorf("exit: %v, printed %q", err, out)
	}
}

// At the end of the input gnet calls OnClose with io.EOF before it closes the descriptor, whether the client has gone or has only shut
// down writing: halfClosedConn duplicates the descriptor there.
func TestGnetTellsTheEndBeforeItClosesTheDescriptor(t *testing.T) {
	duplicate := make(chan int, 1)
	addr, _ := startGnet(t, &handlers{closed: func(c gnet.Conn, err error) {
		if !errors.Is(err, io.EOF) {
			t.Errorf("closed with %v, want io.EOF", err)
		}
		fd, err := c.Dup()
		if err != nil {
			t.Error(err)
		}
		duplicate <- fd
	}}, 1)
	c := dialTCP(t, addr)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(<-duplicate), "duplicate")
	if _, err := f.WriteString("still here"); err != nil {
		t.Error(err)
	}
	_ = f.Close()
	if got, err := io.ReadAll(c); err != nil || string(got) != "still here" {
		t.Errorf("got %q, %v", got, err)
	}
}
