package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"reverbd/protocol/pusher"
)

// The cases of RFC 6455 conformance, in the manner and the order of the sections of the Autobahn test suite, against e2e/wsecho
// in a process of its own: it answers every message with the same opcode and bytes, over the connection code of reverbd. The
// tables are in conformance_cases_test.go.

// rfcFrame is one frame, of either side.
type rfcFrame struct {
	fin     bool
	rsv     byte
	op      byte
	payload []byte

	bare bool   // a client's frame without a mask
	mask uint32 // a client's mask; 0: any
	long byte   // a client's length is said in 126: two, 127: eight bytes; 0: as short as it can be
}

const (
	opCont   = 0x0
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

// append appends the frame as a client sends it.
func (f rfcFrame) append(dst []byte) []byte {
	b0 := f.rsv<<4 | f.op
	if f.fin {
		b0 |= 0x80
	}
	masked := byte(0x80)
	if f.bare {
		masked = 0
	}
	long := f.long
	if long == 0 {
		switch n := len(f.payload); {
		case n > 0xffff:
			long = 127
		case n > 125:
			long = 126
		}
	}
	switch n := len(f.payload); long {
	case 127:
		dst = binary.BigEndian.AppendUint64(append(dst, b0, masked|127), uint64(n))
	case 126:
		dst = binary.BigEndian.AppendUint16(append(dst, b0, masked|126), uint16(n))
	default:
		dst = append(dst, b0, masked|byte(n))
	}
	if f.bare {
		return append(dst, f.payload...)
	}
	mask := f.mask
	if mask == 0 {
		mask = rand.Uint32()
	}
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], mask)
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, f.payload...)
	for i := range dst[start:] {
		dst[start+i] ^= key[i&3]
	}
	return dst
}

func (f rfcFrame) String() string {
	return fmt.Sprintf("fin %v rsv %d op %x, %d bytes %.40q", f.fin, f.rsv, f.op, len(f.payload), f.payload)
}

// wire is frames as a client sends them.
func wire(frames ...rfcFrame) []byte {
	var b []byte
	for _, f := range frames {
		b = f.append(b)
	}
	return b
}

// rfcCase is what a client sends on a connection of its own, and what it must get.
type rfcCase struct {
	name string
	send []byte
	chop int        // sent in pieces of so many bytes, each by itself; 0: at once
	want []rfcFrame // the answers
	code int        // then the server closes with this code; 0: it goes on, and answers the client's own close
	body []byte     // if not nil, the payload of the server's close frame
}

func TestConformance(t *testing.T) {
	cases := conformanceCases()
	if len(cases) < 500 {
		t.Errorf("%d cases are too few", len(cases))
	}
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("two cases are called %s", c.name)
		}
		names[c.name] = true
	}
	addr := startEcho(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.run(addr); err != nil {
				t.Error(err)
			}
		})
	}
}

// run plays the case. It fails on the first difference.
func (tc *rfcCase) run(addr string) error {
	c, err := dialEcho(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	send := tc.send
	code, body := tc.code, tc.body
	if code == 0 {
		goodbye := binary.BigEndian.AppendUint16(nil, 1000)
		send = rfcFrame{fin: true, op: opClose, payload: goodbye}.append(bytes.Clone(send))
		code, body = 1000, goodbye
	}
	var writing sync.WaitGroup
	defer writing.Wait()
	defer c.Close()
	writing.Go(func() { c.write(send, tc.chop) })
	for i, want := range tc.want {
		got, err := c.next()
		if err != nil {
			return fmt.Errorf("answer %d of %d: %w", i+1, len(tc.want), err)
		}
		if got.op != want.op || !bytes.Equal(got.payload, want.payload) {
			return fmt.Errorf("answer %d of %d is %s, want %s", i+1, len(tc.want), got, want)
		}
	}
	return c.end(code, body)
}

// echoConn is a WebSocket that a test can send any bytes on.
type echoConn struct {
	net.Conn
	r  *bufio.Reader
	id pusher.SocketID // of connection_established
}

func dialEcho(addr string) (*echoConn, error) { return dialPath(addr, "/") }

// dialPath opens a WebSocket on any path of any server. Other than dial it may fail, and nothing answers pings.
func dialPath(addr, path string) (*echoConn, error) {
	conn, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	c := &echoConn{Conn: conn, r: bufio.NewReader(conn)}
	_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: "+addr+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	if err == nil {
		var res *http.Response
		if res, err = http.ReadResponse(c.r, nil); err == nil && res.StatusCode != http.StatusSwitchingProtocols {
			err = errors.New(res.Status)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return c, nil
}

// write sends p in pieces. The server may have closed before all is sent.
func (c *echoConn) write(p []byte, chop int) {
	if chop == 0 {
		chop = max(len(p), 1)
	}
	for len(p) > 0 {
		n := min(chop, len(p))
		if _, err := c.Write(p[:n]); err != nil {
			return
		}
		p = p[n:]
	}
}

// next reads one frame of the server.
func (c *echoConn) next() (f rfcFrame, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return f, err
	}
	f.fin, f.rsv, f.op = head[0]&0x80 != 0, head[0]>>4&7, head[0]&0x0f
	if head[1]&0x80 != 0 || !f.fin || f.rsv != 0 {
		return f, fmt.Errorf("a server's frame begins with %x", head)
	}
	n := uint64(head[1])
	var long [8]byte
	switch n {
	case 126:
		_, err = io.ReadFull(c.r, long[6:])
		n = binary.BigEndian.Uint64(long[:])
	case 127:
		_, err = io.ReadFull(c.r, long[:])
		n = binary.BigEndian.Uint64(long[:])
	}
	if err != nil || n > 64<<20 {
		return f, errors.Join(err, fmt.Errorf("a frame of %d bytes", n))
	}
	f.payload = make([]byte, n)
	_, err = io.ReadFull(c.r, f.payload)
	return f, err
}

// end expects a close frame and behind it the end of the stream.
func (c *echoConn) end(code int, body []byte) error {
	f, err := c.next()
	switch {
	case err != nil:
		return fmt.Errorf("want close %d, got %w", code, err)
	case f.op != opClose || len(f.payload) < 2:
		return fmt.Errorf("want close %d, got %s", code, f)
	case int(binary.BigEndian.Uint16(f.payload)) != code:
		return fmt.Errorf("want close %d, got %d (%s)", code, binary.BigEndian.Uint16(f.payload), f.payload[2:])
	case body != nil && !bytes.Equal(f.payload, body):
		return fmt.Errorf("want a close with %q, got %q", body, f.payload)
	case !utf8.Valid(f.payload[2:]):
		return fmt.Errorf("the close reason is not UTF-8: %q", f.payload[2:])
	}
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		return fmt.Errorf("behind the close frame: %.20q, %w", rest, err)
	}
	return nil
}

// dismissed expects what the server says when it ends a connection: a pusher:error event, a close frame with its code, and the end.
func (c *echoConn) dismissed(code int) error {
	f, err := c.next()
	if err != nil {
		return fmt.Errorf("want an error of %d, got %w", code, err)
	}
	if !bytes.HasPrefix(f.payload, fmt.Appendf(nil, `{"event":"pusher:error","data":{"code":%d,`, code)) {
		return fmt.Errorf("want an error of %d, got %s", code, f)
	}
	return c.end(code, nil)
}

// startEcho starts wsecho on a free port until the test ends, and returns its address.
func startEcho(t *testing.T, args ...string) string {
	t.Helper()
	program, err := build(t.TempDir(), "./wsecho")
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	out := new(output)
	cmd := exec.Command(program, append([]string{"-addr", addr}, args...)...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, childAttributes()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("wsecho: %v\n%s", err, out)
		}
	})
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return addr
		}
		if time.Now().After(end) {
			t.Fatalf("wsecho does not listen: %v\n%s", err, out)
		}
	}
}

// A message of more than the limit ends the connection, however it is sent, and one of just the limit does not.
func TestConformanceLimitIsAnOption(t *testing.T) {
	addr := startEcho(t, "-max-message-size", "1000")
	at, over := bytes.Repeat([]byte{'a'}, 1000), bytes.Repeat([]byte{'a'}, 1001)
	for _, tc := range []rfcCase{
		{name: "equal", send: wire(rfcFrame{fin: true, op: opText, payload: at}), want: []rfcFrame{{op: opText, payload: at}}},
		{name: "over", send: wire(rfcFrame{fin: true, op: opText, payload: over}), code: 1009},
		{name: "over by fragments", send: wire(rfcFrame{op: opText, payload: at}, rfcFrame{fin: true, payload: over[:1]}), code: 1009},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.run(addr); err != nil {
				t.Error(err)
			}
		})
	}
}

// 1,000 messages are echoed in order: sent one by one with the answer awaited, and all at once.
func TestConformanceThousandMessages(t *testing.T) {
	addr := startEcho(t)
	for _, op := range []byte{opText, opBinary} {
		for _, size := range []int{0, 16, 64, 256, 1024, 4096} {
			message := func(i int) []byte {
				s := strings.Repeat(fmt.Sprintf("%07d ", i), size/8+1)
				return []byte(s[:size])
			}
			t.Run(fmt.Sprintf("10.%d one by one, %d bytes", op, size), func(t *testing.T) {
				c, err := dialEcho(addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				for i := range 1000 {
					c.write(wire(rfcFrame{fin: true, op: op, payload: message(i)}), 0)
					if f, err := c.next(); err != nil || f.op != op || !bytes.Equal(f.payload, message(i)) {
						t.Fatal(i, f, err)
					}
				}
			})
			t.Run(fmt.Sprintf("10.%d at once, %d bytes", op, size), func(t *testing.T) {
				tc := rfcCase{}
				for i := range 1000 {
					tc.send = rfcFrame{fin: true, op: op, payload: message(i)}.append(tc.send)
					tc.want = append(tc.want, rfcFrame{op: op, payload: message(i)})
				}
				if err := tc.run(addr); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
