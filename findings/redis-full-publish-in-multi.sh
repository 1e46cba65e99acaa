#!/usr/bin/env bash
# Redis 7.0.15 at maxmemory: PUBLISH works, in a script too, but the same PUBLISH within MULTI is refused.
#
# With noeviction a full Redis refuses commands that may need memory. PUBLISH is none of them, so that events go on. Queued in a
# transaction it counts as a command that is denied, and EXEC is aborted. A publisher that wraps PUBLISH in MULTI (a pipeline with a
# transaction is the default of some libraries) is silent as long as the memory is full; one that uses EVAL or a plain command is not.
#
# Output: alone: 0, in a script: 0, within MULTI: EXECABORT
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

cli CONFIG SET maxmemory 1 >/dev/null
alone=$(cli PUBLISH channel event)
script=$(cli EVAL "return redis.call('PUBLISH', 'channel', 'event')" 0)
multi=$(printf "MULTI\nPUBLISH channel event\nEXEC\n" | cli 2>&1 | grep -o EXECABORT)
echo "alone: $alone, in a script: $script, within MULTI: $multi"
[ "$alone, $script, $multi" = "0, 0, EXECABORT" ]
