#!/usr/bin/env bash
# pusher-js 8.6.0 comes back from close code 4200 at once, however often it is told so: there is no pause and no limit.
#
# 4200 to 4299 mean "reconnect immediately". A server that is going away and is still behind the load balancer answers the newcomer in
# the same way, and a single open page makes hundreds of connections a second. Other ends have a pause of one second. So a server must
# give 4200 to established connections alone, and something with a pause to those who arrive while it stops.
#
# Output: connections in a second after the first 4200: more than 50 (true)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error pusher-js@8.6.0 ws@8.18.3 >/dev/null
cat >try.cjs <<'JS'
const { WebSocketServer } = require('ws');
const Pusher = require('pusher-js');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
let connections = 0;
server.on('connection', (socket) => {
  socket.send(JSON.stringify({ event: 'pusher:connection_established', data: '{"socket_id":"1.1","activity_timeout":30}' }));
  socket.close(4200, 'Server is going away');
  if (++connections === 1) {
    setTimeout(() => {
      console.log('connections in a second after the first 4200: more than 50 (' + (connections > 50) + ')');
      process.exit(connections > 50 ? 0 : 1);
    }, 1000);
  }
});
server.on('listening', () => new Pusher('key', { wsHost: '127.0.0.1', wsPort: server.address().port, forceTLS: false, enabledTransports: ['ws'], cluster: '' }));
JS
timeout 40 node try.cjs
