#!/usr/bin/env bash
# go-redis 9.23.0: PoolSize does not bound the connections; pipelines get a second pool of their own.
#
# With PoolSize 1 one expects one connection. Pipelines take theirs from another pool (PipelinePoolSize, 10 unless set), so that five
# of them at once open five more. A machine whose descriptors, or a Redis whose maxclients, were counted by PoolSize has fewer than it
# needs. PipelinePoolSize: -1 turns the second pool off.
#
# Output: PoolSize 1, connections with 5 pipelines at once: 6; with PipelinePoolSize -1: 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# Redis 7.0.15 of Debian 12, unpacked and not installed. All its programs are one binary.
for package in redis-tools=5:7.0.15-1~deb12u10 libjemalloc2=5.3.0-1 liblzf1=3.6-3 libatomic1; do
	apt-get download -qq "$package" 2>/dev/null
done
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(find "$dir" -name "lib*.so*" -printf "%h\n" | sort -u | paste -sd:)
export LD_LIBRARY_PATH
ln -s usr/bin/redis-check-rdb redis-server
./redis-server --port 0 --unixsocket "$dir/redis" --save "" >/dev/null &
redis=$!
trap 'kill "$redis"; wait "$redis" || true; rm -rf "$dir"' EXIT
cli() { usr/bin/redis-cli -s "$dir/redis" "$@"; }
until cli PING >/dev/null 2>&1; do sleep 0.1; done

go mod init try >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// connections is how many a client of that name has while five pipelines wait in Redis at once.
func connections(name string, options *redis.Options) int {
	ctx := context.Background()
	options.Network, options.Addr, options.PoolSize, options.ClientName = "unix", os.Args[1], 1, name
	client := redis.NewClient(options)
	defer client.Close()
	client.Ping(ctx)
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			client.Pipelined(ctx, func(p redis.Pipeliner) error {
				p.BLPop(ctx, time.Second, "nothing")
				return nil
			})
		})
	}
	observer := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Args[1]})
	defer observer.Close()
	most := 0
	for range 40 {
		most = max(most, strings.Count(observer.ClientList(ctx).Val(), "name="+name+" "))
		time.Sleep(20 * time.Millisecond)
	}
	wait.Wait()
	return most
}

func main() {
	plain := connections("plain", &redis.Options{})
	single := connections("single", &redis.Options{PipelinePoolSize: -1})
	fmt.Printf("PoolSize 1, connections with 5 pipelines at once: %d; with PipelinePoolSize -1: %d\n", plain, single)
	if plain != 6 || single != 1 {
		os.Exit(1)
	}
}
GO
go get github.com/redis/go-redis/v9@v9.23.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try "$dir/redis"
