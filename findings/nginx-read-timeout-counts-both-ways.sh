#!/usr/bin/env bash
# Nginx 1.22.1: bytes from the client alone keep a WebSocket open beyond proxy_read_timeout.
#
# The manual says of proxy_read_timeout that it is set between two successive reads from the proxied server. In an upgraded
# connection whatever arrives on either side starts it anew, so that a server that never says a word is not cut off while its
# clients ping; one where neither side speaks is, after the time. The limit has to exceed the longest pause of both, not the
# server's own ping interval.
#
# Output with proxy_read_timeout 1s, after 4 s: only the client speaks: open, only the server: open, neither: cut
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq nginx=1.22.1-9+deb12u11 2>/dev/null
dpkg -x nginx_*.deb .
port=$((20000 + RANDOM % 10000))
cat >nginx.conf <<CONF
pid $dir/pid; error_log $dir/error.log; daemon off; events {}
http {
	access_log off; client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir; uwsgi_temp_path $dir; scgi_temp_path $dir;
	server {
		listen 127.0.0.1:$port;
		location / {
			proxy_pass http://127.0.0.1:$((port + 1));
			proxy_http_version 1.1; proxy_set_header Upgrade \$http_upgrade; proxy_set_header Connection upgrade;
			proxy_read_timeout 1s;
		}
	}
}
CONF
usr/sbin/nginx -c "$dir/nginx.conf" 2>/dev/null &
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
