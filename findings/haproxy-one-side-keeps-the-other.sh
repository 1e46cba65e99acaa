#!/usr/bin/env bash
# HAProxy 2.6.12: timeout client does not end a WebSocket whose client is silent, as long as the server speaks.
#
# The manual says that timeout client sets the longest inactivity on the client side. Without timeout tunnel one expects a client
# that only listens to be cut off by it. Data in either direction counts for both sides, so that only a connection on which neither
# speaks is cut. A server that pings more often than the shorter of both limits needs no timeout tunnel.
#
# Output with timeout client 1s, timeout server 1s, after 4 s: only the client speaks: open, only the server: open, neither: cut
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq haproxy=2.6.12-1+deb12u4 liblua5.3-0 libopentracing-c-wrapper0 libopentracing1 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(find "$dir" -name 'lib*.so*' -printf '%h\n' | sort -u | paste -sd:)
export LD_LIBRARY_PATH
port=$((20000 + RANDOM % 10000))
cat >haproxy.cfg <<CONF
defaults
	mode http
	timeout connect 1s
	timeout client 1s
	timeout server 1s
listen websockets
	bind 127.0.0.1:$port
	server one 127.0.0.1:$((port + 1))
CONF
usr/sbin/haproxy -db -f haproxy.cfg >/dev/null 2>&1 &
proxy=$!
trap 'kill "$proxy"; wait "$proxy" || true; rm -rf "$dir"' EXIT
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.1; done

# A backend that upgrades, and a client; each sends an empty ping frame every 0.4 s or nothing at all.
cat >try.cjs <<'JS'
const net = require('net');
const every = (socket, frame) => {
  const timer = setInterval(() => socket.write(frame), 400);
  socket.on('close', () => clearInterval(timer)).on('error', () => {});
};
const backend = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (head) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n');
    if (head.includes('GET /talks')) every(socket, Buffer.from([0x89, 0x00]));
  });
});
// open connects through the proxy, and answers whether the connection is still there after 4 s.
const open = (path, talks) => new Promise((done) => {
  const socket = net.connect(Number(process.argv[3]), '127.0.0.1');
  socket.on('error', () => {}).on('close', () => done('cut'));
  socket.write('GET /' + path + ' HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  socket.once('data', () => {
    if (talks) every(socket, Buffer.from([0x89, 0x80, 1, 2, 3, 4]));
    setTimeout(() => done('open'), 4000);
  });
});
backend.listen(Number(process.argv[2]), '127.0.0.1', async () => {
  const [client, server, neither] = await Promise.all([open('silent', true), open('talks', false), open('silent', false)]);
  console.log('only the client speaks: ' + client + ', only the server: ' + server + ', neither: ' + neither);
  process.exit(client === 'open' && server === 'open' && neither === 'cut' ? 0 : 1);
});
JS
timeout 30 node try.cjs $((port + 1)) "$port"
