package listen

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func portOf(t *testing.T, l net.Listener) int {
	t.Helper()
	return l.Addr().(*net.TCPAddr).Port
}

// The error for a port that is in use names it, whatever address of the machine is asked for.
func TestPortTaken(t *testing.T) {
	l, err := (Address{Host: "127.0.0.1", Port: 0}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := portOf(t, l)
	for _, host := range []string{"127.0.0.1", "0.0.0.0", ""} {
		if _, err := (Address{Host: host, Port: port}).Open(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), strconv.Itoa(port)) {
			t.Errorf("on %q: %v", host, err)
		}
	}
}

func TestAddressThatIsNotHere(t *testing.T) {
	if _, err := (Address{Host: "192.0.2.1", Port: 1}).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "192.0.2.1:1") {
		t.Error(err)
	}
}

// 0.0.0.0 is IPv4 only, though net takes it for every address.
func TestIPv4Alone(t *testing.T) {
	l, err := (Address{Host: "0.0.0.0", Port: 0}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a := l.Addr().(*net.TCPAddr); len(a.IP) != net.IPv4len {
		t.Error("listens on", a)
	}
}

func TestFamilies(t *testing.T) {
	if got := (Address{Host: "localhost", Port: 80}).Families(); len(got) != 2 || got[0].String() != "127.0.0.1:80" || got[1].String() != "[::1]:80" {
		t.Error(got)
	}
	for _, a := range []Address{{Host: "ws.example.com", Port: 80}, {Host: "", Port: 80}, {Path: "/run/localhost"}} {
		if got := a.Families(); len(got) != 1 || got[0] != a {
			t.Errorf("%v: %v", a, got)
		}
	}
	if _, err := (Address{Host: "2001:db8::1", Port: 0}).Open(t.Context()); !NoFamily(err) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	l, err := (Address{Host: "localhost", Port: 0}).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", net.JoinHostPort("localhost", strconv.Itoa(portOf(t, l))))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
