#!/usr/bin/env bash
# go-redis 9.23.0 subscribes to all channels again, in one command, before it reports that the connection was lost.
#
# PubSub.Receive answers EOF when the connection ends. One expects to decide then what to do. By that time the client has connected
# again and sent one SUBSCRIBE with every name, so that a program that begins anew on an error subscribes to everything twice, the
# first time in a command as long as its list of channels, during which Redis serves nobody else.
#
# Output: Receive: EOF; by then Redis has seen 1 SUBSCRIBE and 1000 of 1000 channels have a subscriber
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

	"github.com/redis/go-redis/v9"
)

const channels = 1000

func main() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Args[1]})
	observer := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Args[1]})
	names := make([]string, channels)
	for i := range names {
		names[i] = fmt.Sprint("channel-", i)
	}
	pubsub := client.Subscribe(ctx)
	for _, name := range names {
		if err := pubsub.Subscribe(ctx, name); err != nil {
			panic(err)
		}
	}
	for range names {
		if _, err := pubsub.Receive(ctx); err != nil {
			panic(err)
		}
	}
	observer.ConfigResetStat(ctx)
	observer.Do(ctx, "CLIENT", "KILL", "TYPE", "pubsub")
	_, err := pubsub.Receive(ctx)
	calls := "0"
	for line := range strings.Lines(observer.Info(ctx, "commandstats").Val()) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_subscribe:calls="); ok {
			calls, _, _ = strings.Cut(rest, ",")
		}
	}
	heard := 0
	for _, n := range observer.PubSubNumSub(ctx, names...).Val() {
		heard += int(n)
	}
	fmt.Printf("Receive: %v; by then Redis has seen %s SUBSCRIBE and %d of %d channels have a subscriber\n", err, calls, heard, channels)
	if err == nil || calls != "1" || heard != channels {
		os.Exit(1)
	}
}
GO
go get github.com/redis/go-redis/v9@v9.23.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try "$dir/redis"
