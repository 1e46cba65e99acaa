#!/usr/bin/env bash
# Redis 7.0.15: a stream that holds one short entry takes about 4.7 kB, a list with the same text 144 bytes.
#
# A stream allocates its first node with 4 kB, whatever the length of the entry. With 100 entries the share is small; a history of one
# or two events for each of 100,000 quiet channels takes half a gigabyte as streams and 15 MB as lists.
#
# Output: stream of 1 entry: 4728 bytes, list of 1 entry: 144 bytes (the check asks for more than 4000 and less than 400)
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

cli XADD stream "*" event hello >/dev/null
cli RPUSH list hello >/dev/null
stream=$(cli MEMORY USAGE stream)
list=$(cli MEMORY USAGE list)
echo "stream of 1 entry: $stream bytes, list of 1 entry: $list bytes"
[ "$stream" -gt 4000 ] && [ "$list" -lt 400 ]
