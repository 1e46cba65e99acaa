#!/usr/bin/env bash
# pusher 5.3.4 for Node puts a user id into the path of terminateUserConnections without escaping it.
#
# A user id is any text; one with a slash ("team/7") makes another path of it. A space is escaped on the way, by the URL class, so that
# the library does half of it. A server has to take all that stands between /users/ and /terminate_connections for the id, escaped
# or not.
#
# Output: POST /apps/1/users/team/7%20b/terminate_connections
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error pusher@5.3.4 >/dev/null
cat >try.cjs <<'JS'
const http = require('http');
const Pusher = require('pusher');
const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('Content-Type', 'application/json').end('{}');
    const line = request.method + ' ' + request.url.split('?')[0];
    console.log(line);
    process.exit(line === 'POST /apps/1/users/team/7%20b/terminate_connections' ? 0 : 1);
  });
});
server.listen(0, '127.0.0.1', () => {
  const pusher = new Pusher({ appId: '1', key: 'key', secret: 'secret', host: '127.0.0.1', port: server.address().port, useTLS: false });
  pusher.terminateUserConnections('team/7 b').catch(() => {});
});
JS
timeout 40 node try.cjs
