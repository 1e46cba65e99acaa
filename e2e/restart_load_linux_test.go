package e2e

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"reverbd/protocol/pusher"
)

const (
	restarts         = 10
	membersOfTheRoom = 100
)

// Ten restarts in a row, while clients are connected, others connect and leave, and servers publish: no connection and no event is refused.
// After each restart all clients reconnect, and those in the presence channel see each other.
func TestRestartsUnderLoad(t *testing.T) {
	clients := 5000
	if len(raceFlags) > 0 {
		clients = 400
	}
	s := startServer(t, "--dev", "--debug=false", "--drain-timeout", "1")
	f := &loadClients{s: s, done: make(chan struct{})}
	for i := range clients {
		f.all.Go(func() { f.reconnect(i) })
		if i%50 == 0 {
			await(t, "earlier clients", func() bool { return int(f.connected.Load()) > i-200 || f.failed() })
		}
	}
	f.all.Go(f.publishOverOne)
	f.all.Go(f.publishOverOne)
	f.all.Go(f.publishOverMany)
	f.all.Go(f.connectAndLeave)
	f.awaitAllConnected(t, clients)

	for i := range restarts {
		was := s.serving(t)
		s.must(t, "restart")
		if now := s.serving(t); now == was {
			t.Fatalf("restart %d: process %d still serves", i, now)
		}
		f.awaitAllConnected(t, clients)
		if f.failed() {
			break
		}
	}
	f.stop()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.mustEnd(t, 0)
	f.all.Wait()
	for _, problem := range f.problems {
		t.Error(problem)
	}
	t.Logf("%d clients and %d restarts: %d reconnects, %d events over connections that are kept and %d over new ones, %d visitors",
		clients, restarts, f.returns.Load(), f.kept.Load(), f.single.Load(), f.visitors.Load())
}

// loadClients are the clients and publishers of a server.
type loadClients struct {
	s    *server
	done chan struct{} // closed when failures do not count any more
	once sync.Once
	all  sync.WaitGroup

	connected                       atomic.Int64
	returns, kept, single, visitors atomic.Int64

	mu       sync.Mutex
	problems []string
}

func (f *loadClients) stop() { f.once.Do(func() { close(f.done) }) }

func (f *loadClients) stopped() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func (f *loadClients) fail(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped() && len(f.problems) < 20 {
		f.problems = append(f.problems, fmt.Sprintf(format, args...))
	}
}

func (f *loadClients) failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.problems) > 0
}

// awaitAllConnected waits until the server that answers now has all clients, and all members of the presence channel.
func (f *loadClients) awaitAllConnected(t *testing.T, clients int) {
	t.Helper()
	await(t, "all clients", func() bool {
		return f.failed() || f.count(t, "/apps/"+appID+"/connections", `{"connections":`) >= clients &&
			f.count(t, "/apps/"+appID+"/channels/presence-room?info=user_count", `{"occupied":true,"user_count":`) == membersOfTheRoom
	})
}

// count requests a number from the API. It follows prefix in the answer.
func (f *loadClients) count(t *testing.T, target, prefix string) int {
	t.Helper()
	path, rawQuery, _ := strings.Cut(target, "?")
	query, err := url.ParseQuery(rawQuery)
	must(t, err)
	req, err := http.NewRequest(http.MethodGet, f.s.url(path)+"?"+
		pusher.SignQuery(appKey, appSecret, http.MethodGet, path, query, nil, time.Now()), nil)
	must(t, err)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	n, err := strconv.Atoi(strings.TrimRight(strings.TrimPrefix(string(body), prefix), "}"))
	if err != nil {
		return 0
	}
	return n
}

// reconnect is one client: it reconnects after a close frame that allows it, and nothing else may end its connection.
func (f *loadClients) reconnect(i int) {
	for !f.stopped() {
		c, err := establish(f.s)
		if err != nil {
			f.fail("client %d is not let in: %v", i, err)
			return
		}
		f.connected.Add(1)
		err = f.receive(c, i)
		f.connected.Add(-1)
		_ = c.Close()
		if err != nil {
			f.fail("client %d has lost its connection: %v", i, err)
			return
		}
		f.returns.Add(1)
	}
}

// receive is one connection of a client. It returns nil after a close frame that makes clients reconnect.
func (f *loadClients) receive(c *echoConn, i int) error {
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	channel := `{"event":"pusher:subscribe","data":{"channel":"room"}}`
	if i < membersOfTheRoom {
		channel = presence(c, i)
	}
	c.write(wire(textOf(channel)), 0)
	for {
		frame, err := c.next()
		switch {
		case err != nil:
			return err
		case frame.op == opClose && len(frame.payload) > 1 && comesBack(binary.BigEndian.Uint16(frame.payload)):
			return nil
		case frame.op == opClose:
			return fmt.Errorf("closed with %q", frame.payload)
		}
	}
}

// comesBack reports whether a close code has a client come back: at once, or after a second if it came to a process that was stopping.
func comesBack(code uint16) bool { return code == pusher.CloseRestart || code == pusher.CloseStopping }

// presence returns the subscription of a member.
func presence(c *echoConn, user int) string {
	data := fmt.Appendf(nil, `{"user_id":"%d"}`, user)
	auth := appKey + ":" + pusher.ChannelSignature(appSecret, c.id, []byte("presence-room"), data)
	return fmt.Sprintf(`{"event":"pusher:subscribe","data":{"channel":"presence-room","auth":"%s","channel_data":%q}}`, auth, data)
}

// connectAndLeave connects and disconnects clients, one after the other.
func (f *loadClients) connectAndLeave() {
	for !f.stopped() {
		c, err := establish(f.s)
		if err != nil {
			f.fail("a visitor is not let in: %v", err)
			return
		}
		_ = c.Close()
		f.visitors.Add(1)
	}
}

// publishOverMany publishes each event over a connection of its own.
func (f *loadClients) publishOverMany() {
	for !f.stopped() {
		if err := f.publishOnce(); err != nil {
			f.fail("an event over a new connection: %v", err)
			return
		}
		f.single.Add(1)
		time.Sleep(5 * time.Millisecond)
	}
}

func (f *loadClients) publishOnce() error {
	p, err := f.openAPI()
	if err != nil {
		return err
	}
	defer p.conn.Close()
	_, err = p.publish(true)
	return err
}

// publishOverOne publishes over one connection until an answer has Connection: close, and then over the next.
func (f *loadClients) publishOverOne() {
	for !f.stopped() {
		p, err := f.openAPI()
		for last := false; err == nil && !last && !f.stopped(); {
			if last, err = p.publish(false); err == nil {
				f.kept.Add(1)
				time.Sleep(5 * time.Millisecond)
			}
		}
		if err != nil {
			f.fail("an event over a connection that is kept: %v", err)
			return
		}
		_ = p.conn.Close()
	}
}

// publishing is a connection to the API. Unlike http.Client it never repeats a request.
type publishing struct {
	conn net.Conn
	r    *bufio.Reader
}

func (f *loadClients) openAPI() (*publishing, error) {
	conn, err := net.DialTimeout("tcp", f.s.addr(), clientTimeout)
	if err != nil {
		return nil, err
	}
	return &publishing{conn, bufio.NewReader(conn)}, nil
}

// publish reports whether the server ends the connection.
func (p *publishing) publish(last bool) (ends bool, err error) {
	const path, body = "/apps/" + appID + "/events", `{"name":"tick","channel":"room","data":"{}"}`
	query := pusher.SignQuery(appKey, appSecret, http.MethodPost, path, url.Values{}, []byte(body), time.Now())
	req, err := http.NewRequest(http.MethodPost, "http://reverbd"+path+"?"+query, strings.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Close = last
	_ = p.conn.SetDeadline(time.Now().Add(startTimeout))
	if err := req.Write(p.conn); err != nil {
		return false, err
	}
	res, err := http.ReadResponse(p.r, req)
	if err != nil {
		return false, fmt.Errorf("no answer: %w", err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return false, errors.Join(err, fmt.Errorf("%s %s", res.Status, text))
	}
	return res.Close, nil
}
