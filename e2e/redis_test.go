package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// redisServer is a redis-server for one test. It can be killed, frozen and started again on the same port with the same data.
type redisServer struct {
	*program
	t       *testing.T
	dir     string
	port    int      // 0: none, see socket
	args    []string // of the server
	cliArgs []string // arguments with which redis-cli reaches it
}

// startRedis starts a redis-server that keeps nothing on disk, unless args say otherwise, and waits until it answers.
func startRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	port := freePort(t)
	return startRedisAt(t, port, []string{"-p", strconv.Itoa(port)}, args...)
}

// startRedisAt starts a redis-server on the port that redis-cli reaches with cliArgs.
func startRedisAt(t *testing.T, port int, cliArgs []string, args ...string) *redisServer {
	t.Helper()
	dir := t.TempDir()
	args = append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--daemonize", "no",
	}, args...)
	r := &redisServer{t: t, dir: dir, port: port, args: args, cliArgs: cliArgs}
	r.start()
	return r
}

// start starts the server, for the first time or again.
func (r *redisServer) start() {
	r.t.Helper()
	r.program = startProgram(r.t, r.dir, "redis-server", r.args...)
	p := r.program
	r.t.Cleanup(func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }) // before the SIGTERM that ends it
	p.await(r.t, "an answer", func() bool {
		out, err := r.try("ping")
		return err == nil && strings.HasPrefix(out, "PONG")
	})
}

// try runs a command with redis-cli.
func (r *redisServer) try(command ...string) (string, error) {
	cli := exec.Command(requireProgram(r.t, "redis-cli"), append(append([]string{}, r.cliArgs...), command...)...)
	cli.Dir = r.dir
	out, err := cli.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// do runs a command that must succeed, and returns what redis-cli prints.
func (r *redisServer) do(command ...string) string {
	r.t.Helper()
	out, err := r.try(command...)
	if err != nil || strings.HasPrefix(out, "ERR") || strings.HasPrefix(out, "NOAUTH") {
		r.t.Fatalf("redis-cli %s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return out
}

// lines runs a command that returns a list.
func (r *redisServer) lines(command ...string) []string {
	r.t.Helper()
	return strings.Fields(r.do(command...))
}

func (r *redisServer) signal(s syscall.Signal) {
	r.t.Helper()
	must(r.t, r.cmd.Process.Signal(s))
}

// kill ends the server with SIGKILL.
func (r *redisServer) kill() {
	r.t.Helper()
	r.signal(syscall.SIGKILL)
	<-r.exited
}

// freeze stops the process (SIGSTOP): its connections stay open, and it does not answer.
func (r *redisServer) freeze() { r.t.Helper(); r.signal(syscall.SIGSTOP) }

// thaw undoes freeze.
func (r *redisServer) thaw() { r.t.Helper(); r.signal(syscall.SIGCONT) }

// env returns the lines of a node's .env for this server.
func (r *redisServer) env() string {
	return fmt.Sprintf("REVERB_SCALING_ENABLED=true\nREDIS_PORT=%d\n", r.port)
}

// shardedCluster starts a Redis Cluster of three masters.
func shardedCluster(t *testing.T) []*redisServer {
	t.Helper()
	var all []*redisServer
	create := []string{"--cluster", "create"}
	for range 3 {
		r := startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", strconv.Itoa(freePort(t)))
		all = append(all, r)
		create = append(create, fmt.Sprintf("127.0.0.1:%d", r.port))
	}
	run(t, t.TempDir(), "redis-cli", append(create, "--cluster-yes")...)
	for _, r := range all {
		r.await(t, "the cluster", func() bool { return strings.Contains(r.do("cluster", "info"), "cluster_state:ok") })
	}
	return all
}

// sentinels starts a master, its replica, and three Sentinels that watch them.
func sentinels(t *testing.T) (master, replica *redisServer, watch []*redisServer) {
	t.Helper()
	master = startRedis(t)
	replica = startRedis(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.port), "--repl-diskless-sync-delay", "0")
	replica.await(t, "the replica", func() bool { return strings.Contains(replica.do("info", "replication"), "master_link_status:up") })
	for range 3 {
		port := freePort(t)
		conf := write(t, "sentinel.conf", fmt.Sprintf("port %d\nbind 127.0.0.1\ndaemonize no\n"+
			"sentinel monitor main 127.0.0.1 %d 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 4000\n", port, master.port))
		s := &redisServer{t: t, dir: filepath.Dir(conf), port: port, args: []string{conf, "--sentinel"}, cliArgs: []string{"-p", strconv.Itoa(port)}}
		s.start()
		watch = append(watch, s)
	}
	for _, s := range watch {
		s.await(t, "the other Sentinels", func() bool {
			info := s.do("sentinel", "master", "main")
			return strings.Contains(info, "num-other-sentinels\n2") && strings.Contains(info, "num-slaves\n1")
		})
	}
	return master, replica, watch
}

// shortDir returns a temporary directory with a short name: the path of a unix socket has at most 107 bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rv")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
