#!/usr/bin/env bash
# pusher-js 8.6.0 sends a client event on a channel that it has not joined yet, and reports success.
#
# channel.trigger() answers true and the message is on the wire *before* pusher:subscribe, since subscribing to a private channel
# waits for the authorisation and triggering does not. The server has to refuse it (a sender must be a subscriber), so that the first
# whisper of a page that is typing at once is lost; the documentation only says that the event must be triggered after the
# subscription.
#
# Output: true, then on the wire: client-typing, pusher:subscribe
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --no-audit --no-fund --loglevel=error pusher-js@8.6.0 ws@8.18.3 >/dev/null
cat >try.cjs <<'JS'
const { WebSocketServer } = require('ws');
const Pusher = require('pusher-js');
const assert = require('assert');

// A server that says what a Pusher server says, and no more.
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
const sent = []; // by the client
let socket;
server.on('connection', (s) => {
  socket = s;
  s.send(JSON.stringify({ event: 'pusher:connection_established', data: '{"socket_id":"1.1","activity_timeout":30}' }));
  s.on('message', (m) => {
    const message = JSON.parse(m);
    sent.push(message);
    if (message.event === 'pusher:subscribe') answer(message.data.channel);
  });
});
const say = (event, channel, data, more) => socket.send(JSON.stringify({ event, channel, data, ...more }));
const client = async () => {
  if (!server.address()) await require('events').once(server, 'listening');
  return new Pusher('key', {
    wsHost: '127.0.0.1', wsPort: server.address().port, forceTLS: false, enabledTransports: ['ws'], cluster: '',
    channelAuthorization: { customHandler: ({ channelName }, done) => done(null, { auth: 'key:signature', channel_data: channelName.startsWith('presence-') ? '{"user_id":"1"}' : undefined }) },
  });
};
const soon = (ms = 300) => new Promise((done) => setTimeout(done, ms));
const connected = (p) => new Promise((done) => p.connection.bind('connected', done));

const answer = () => {};
(async () => {
  const p = await client();
  await connected(p);
  p.config.channelAuthorizer = ({ channelName }, done) => setTimeout(() => done(null, { auth: 'key:signature' }), 100);
  const channel = p.subscribe('private-room');
  const reported = channel.trigger('client-typing', {});
  while (sent.length < 2) await soon(20);
  console.log(reported + ', then on the wire: ' + sent.map((m) => m.event).join(', '));
  assert.strictEqual(reported, true);
  assert.deepStrictEqual(sent.map((m) => m.event), ['client-typing', 'pusher:subscribe']);
  process.exit();
})();
JS
timeout 40 node try.cjs
