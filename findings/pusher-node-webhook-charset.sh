#!/usr/bin/env bash
# pusher 5.3.4 for Node: a webhook with "Content-Type: application/json; charset=utf-8" is invalid, whatever its signature.
#
# The content type is compared as a whole. Many HTTP clients add the charset by themselves, and RFC 9110 lets every media type have
# parameters. isValid() then answers false, as it does for a forged signature, so that the user looks for a wrong secret.
#
# Output: application/json: true, application/json; charset=utf-8: false
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error pusher@5.3.4 >/dev/null
cat >try.cjs <<'JS'
const Pusher = require('pusher');
const { createHmac } = require('crypto');
const pusher = new Pusher({ appId: '1', key: 'key', secret: 'secret', cluster: 'eu' });
const rawBody = '{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"orders"}]}';
const signature = createHmac('sha256', 'secret').update(rawBody).digest('hex');
const valid = (type) => pusher.webhook({ headers: { 'content-type': type, 'x-pusher-key': 'key', 'x-pusher-signature': signature }, rawBody }).isValid();
const types = ['application/json', 'application/json; charset=utf-8'];
const seen = types.map(valid);
console.log(types.map((type, i) => type + ': ' + seen[i]).join(', '));
process.exit(seen[0] && !seen[1] ? 0 : 1);
JS
timeout 40 node try.cjs
