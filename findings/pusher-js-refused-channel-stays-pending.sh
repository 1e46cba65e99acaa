#!/usr/bin/env bash
# pusher-js 8.6.0 never asks again for a channel that the server refused, even if the app subscribes anew.
#
# After a refusal (pusher:subscription_error on the channel, or a pusher:error beside it) the channel's subscriptionPending stays
# true. subscribe() of the same name returns the same object and sends nothing, until the connection is made anew or the app has
# unsubscribed, so that a user who has been given access meanwhile needs a reload.
#
# Output: subscribes sent: 1, pending: true
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

const answer = (channel) => say('pusher:subscription_error', channel, { type: 'AuthError', error: 'refused', status: 403 });
(async () => {
  const p = await client();
  await connected(p);
  const channel = p.subscribe('private-room');
  await new Promise((done) => channel.bind('pusher:subscription_error', done));
  p.subscribe('private-room');
  await soon();
  const subscribes = sent.filter((m) => m.event === 'pusher:subscribe').length;
  console.log('subscribes sent: ' + subscribes + ', pending: ' + channel.subscriptionPending);
  assert.strictEqual(subscribes, 1);
  assert.strictEqual(channel.subscriptionPending, true);
  process.exit();
})();
JS
timeout 40 node try.cjs
