package redis

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// startCluster starts a Redis Cluster of three servers without replicas.
func startCluster(t *testing.T) (addrs []string) {
	t.Helper()
	t.Parallel()
	for range 3 {
		port := clusterPort(t)
		dir := t.TempDir()
		cmd := exec.Command("redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--cluster-enabled", "yes",
			"--cluster-node-timeout", "2000")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		eventually(t, "redis-server listens", func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		})
		addrs = append(addrs, addr)
	}
	out, err := exec.Command("redis-cli", append([]string{"--cluster", "create", "--cluster-yes"}, addrs...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	eventually(t, "the cluster is whole", func() bool {
		for _, addr := range addrs {
			_, port, _ := strings.Cut(addr, ":")
			out, _ := exec.Command("redis-cli", "-p", port, "cluster", "info").CombinedOutput()
			if !strings.Contains(string(out), "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	return addrs
}

// clusterPort returns a free port for which the port 10,000 above it, which Redis uses for the cluster bus, is free and in
// range.
func clusterPort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 12000 + rand.IntN(10000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		bus, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+10000)))
		_ = l.Close()
		if err == nil {
			_ = bus.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// In a Redis Cluster channels are spread over the servers, and everything works as with one server.
func TestRedisCluster(t *testing.T) {
	o := Options{Addrs: startCluster(t), Cluster: true}
	a, b := newTestNode(t, o).ready(), newTestNode(t, o).ready()
	ann, ben := a.connect(), b.connect()
	const channels = 30
	for i := range channels {
		name := fmt.Sprintf("channel-%d", i)
		ann.join(name, "")
		b.publish(name, "event of "+name)
		ann.await("event of " + name)
		room := fmt.Sprintf("presence-%d", i)
		ann.join(room, `"ann"`)
		ben.join(room, `"ben"`)
		ann.await("member_added", room, "ben")
		cache := fmt.Sprintf("cache-%d", i)
		a.publish(cache, "last of "+cache)
	}
	if got := len(b.app.Channels("")); got != 2*channels {
		t.Errorf("%d channels", got)
	}
	for i := range channels {
		cache := fmt.Sprintf("cache-%d", i)
		ben.join(cache, "")
		ben.await("last of " + cache)
	}
	ann.unsubscribe("channel-0")
	b.stop()
	eventually(t, "Ben leaves every room", func() bool {
		return strings.Count(strings.Join(ann.received(), ""), "member_removed") == channels
	})
}
