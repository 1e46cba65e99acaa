#!/usr/bin/env bash
# pusher-js 8.6.0 says 'connected' for a second after its socket has ended, and loses what is sent meanwhile.
#
# When a connection ends without a close frame (a proxy restarts, a phone changes networks) state stays 'connected' and channels stay
# subscribed until the new attempt starts one second later, while the socket is gone: trigger() answers false and the message is not
# kept. An app that shows the state, or whispers without looking at the answer, is wrong for that second.
#
# Output: socket closed, state connected, subscribed true, trigger false
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
const connected = (p) => new Promise((done) => p.connection.bind('connected', done));

const answer = (channel) => say('pusher_internal:subscription_succeeded', channel, '{}');
(async () => {
  const p = await client();
  await connected(p);
  const channel = p.subscribe('private-room');
  await new Promise((done) => channel.bind('pusher:subscription_succeeded', done));
  const browser = p.connection.connection.transport.socket;
  const ended = new Promise((done) => browser.addEventListener('close', done));
  socket.terminate();
  await ended;
  await new Promise((done) => setImmediate(done));
  const seen = [p.connection.state, channel.subscribed, channel.trigger('client-typing', {})];
  console.log('socket closed, state ' + seen[0] + ', subscribed ' + seen[1] + ', trigger ' + seen[2]);
  assert.deepStrictEqual(seen, ['connected', true, false]);
  process.exit();
})();
JS
timeout 40 node try.cjs
