#!/usr/bin/env bash
# go-redis 9.23.0 sends commands on each new connection that Redis 7.0 does not know; they count as errors there.
#
# A first PING leaves three errors in INFO errorstats: subcommands of CLIENT that came with later versions of Redis. The client works;
# an alert on the rate of errors of a Redis 7.0 (Debian 12, Ubuntu 22.04) goes off with every deployment. DisableIdentity and
# MaintNotificationsConfig turn them off.
#
# Output: PING: PONG, errors in Redis: errorstat_ERR:count=3
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

func main() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Args[1]})
	pong := client.Ping(ctx).Val()
	var errors string
	for line := range strings.Lines(client.Info(ctx, "errorstats").Val()) {
		if strings.HasPrefix(line, "errorstat_ERR:") {
			errors = strings.TrimSpace(line)
		}
	}
	fmt.Printf("PING: %s, errors in Redis: %s\n", pong, errors)
	if errors != "errorstat_ERR:count=3" {
		os.Exit(1)
	}
}
GO
go get github.com/redis/go-redis/v9@v9.23.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o try .
timeout 30 ./try "$dir/redis"
