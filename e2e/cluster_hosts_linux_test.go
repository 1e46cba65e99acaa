package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// hosts are network namespaces, each with a cable of its own (a veth pair) to one of two switches (bridges): that of the clients, which the
// test is on, too, and that of Redis.
type hosts struct {
	t       *testing.T
	id      string // part of all names
	clients string // the first three bytes of addresses
	redis   string
	count   int
}

func newHosts(t *testing.T) *hosts {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root") // as CI has it
	}
	n := os.Getpid() % 1000
	h := &hosts{t: t, id: fmt.Sprintf("rv%d", n), clients: fmt.Sprintf("10.%d.%d", 200+n%50, n%200), redis: fmt.Sprintf("10.%d.%d", 200+n%50, 201+n%50)}
	for name, address := range map[string]string{h.id + "c": h.clients + ".1/24", h.id + "r": ""} {
		h.ip("link", "add", name, "type", "bridge")
		t.Cleanup(func() { _ = exec.Command("ip", "link", "del", name).Run() })
		if address != "" {
			h.ip("addr", "add", address, "dev", name)
		}
		h.ip("link", "set", name, "up")
	}
	return h
}

func (h *hosts) ip(args ...string) {
	h.t.Helper()
	if out, err := exec.Command(requireProgram(h.t, "ip"), args...).CombinedOutput(); err != nil {
		h.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// host is one namespace. Its addresses are .number on both networks.
type host struct {
	hosts     *hosts
	namespace string
	number    int
}

func (h *hosts) add() *host {
	h.t.Helper()
	h.count++
	x := &host{hosts: h, namespace: fmt.Sprintf("%s-%d", h.id, h.count), number: 10 + h.count}
	h.ip("netns", "add", x.namespace)
	h.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", x.namespace).Run() })
	h.ip("-n", x.namespace, "link", "set", "lo", "up")
	for side, network := range map[string]string{"c": h.clients, "r": h.redis} {
		h.ip("link", "add", x.cable(side), "type", "veth", "peer", "name", "eth-"+side, "netns", x.namespace)
		h.ip("link", "set", x.cable(side), "master", h.id+side, "up")
		h.ip("-n", x.namespace, "addr", "add", fmt.Sprintf("%s.%d/24", network, x.number), "dev", "eth-"+side)
		h.ip("-n", x.namespace, "link", "set", "eth-"+side, "up")
	}
	return x
}

func (x *host) cable(side string) string { return fmt.Sprintf("%s%s%d", x.hosts.id, side, x.number) }

// cutOff takes the cable between the host and the network of Redis out, and plugIn puts it in.
func (x *host) cutOff() { x.hosts.t.Helper(); x.hosts.ip("link", "set", x.cable("r"), "down") }
func (x *host) plugIn() { x.hosts.t.Helper(); x.hosts.ip("link", "set", x.cable("r"), "up") }

// muteTo has what x sends to another host get lost; what the other sends arrives.
func (x *host) muteTo(other *host, mute bool) {
	x.hosts.t.Helper()
	verb := map[bool]string{true: "add", false: "del"}[mute]
	x.hosts.ip("-n", x.namespace, "route", verb, "blackhole", fmt.Sprintf("%s.%d/32", x.hosts.redis, other.number))
}

// slow gives the cable to Redis a delay and losses, if the kernel can (sch_netem).
func (x *host) slow() (can bool) {
	return exec.Command("tc", "-n", x.namespace, "qdisc", "add", "dev", "eth-r", "root", "netem", "delay", "5ms", "3ms", "loss", "1%").Run() == nil
}

func (x *host) node(redis *host, port int) *node {
	t := x.hosts.t
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, ".env"), fmt.Appendf(nil, "REVERB_SCALING_ENABLED=true\nREDIS_HOST=%s.%d\n", redis.hosts.redis, redis.number), 0o600))
	s := &server{port: port, dir: dir, binary: requireProgram(t, "ip"), host: fmt.Sprintf("%s.%d", x.hosts.clients, x.number)}
	s.args = []string{"netns", "exec", x.namespace, serverBinary, "--dev", "--debug=false", "--reactors", "2", "--host", "0.0.0.0", "--port", strconv.Itoa(port)}
	n := &node{server: s, t: t, dir: dir, running: []*server{s}, api: freshAPI()}
	must(t, s.start())
	t.Cleanup(n.end)
	must(t, s.awaitReady())
	return n
}

// Nodes and Redis on hosts of their own lose each other in all the ways in which hosts do, and find each other again.
func TestClusterHosts(t *testing.T) {
	t.Parallel()
	h := newHosts(t)
	redis, a, b := h.add(), h.add(), h.add()
	dir := t.TempDir()
	p := startProgram(t, dir, "ip", "netns", "exec", redis.namespace, requireProgram(t, "redis-server"), "--dir", dir, "--save", "", "--protected-mode", "no",
		"--bind", "0.0.0.0")
	p.await(t, "Redis", func() bool { return strings.Contains(p.output.String(), "Ready to accept connections") })
	nodes := []*node{a.node(redis, 6001), b.node(redis, 6001)}
	awaitCluster(t, nodes...)
	x := newRecoveryCheck(t, nil, nodes)
	if !a.slow() || !b.slow() {
		t.Log("this kernel has no sch_netem: no delay, no losses")
	}
	x.recovered("user-0", "user-1")
	for _, long := range []time.Duration{time.Second, 12 * time.Second} { // less than a node may be silent, and more
		faults := map[string][2]func(){
			"the cable of a node":        {a.cutOff, a.plugIn},
			"the cable of Redis":         {redis.cutOff, redis.plugIn},
			"what Redis sends to a node": {func() { redis.muteTo(a, true) }, func() { redis.muteTo(a, false) }},
			"what a node sends to Redis": {func() { a.muteTo(redis, true) }, func() { a.muteTo(redis, false) }},
		}
		for what, fault := range faults {
			t.Logf("%s is cut for %v", what, long)
			fault[0]()
			end := time.After(long)
			x.local()
			<-end
			fault[1]()
			x.recovered("user-0", "user-1")
		}
	}
}
