#!/usr/bin/env bash
# pusher-js 8.6.0 hides the sender of a client event on a private channel, although the server tells it.
#
# Servers put the user_id of the sender beside a client event (Reverb does so on private channels too, if the authorisation names
# one). pusher-js hands it to listeners of presence channels as metadata, and drops it for all others. An app on a private channel
# has to put the sender into the data, where nobody vouches for it.
#
# Output: private {}, presence {"user_id":"7"}
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

const answer = (channel) => say('pusher_internal:subscription_succeeded', channel, '{"presence":{"count":1,"ids":["1"],"hash":{"1":{}}}}');
(async () => {
  const p = await client();
  await connected(p);
  const metadata = {};
  for (const kind of ['private', 'presence']) {
    const channel = p.subscribe(kind + '-room');
    await new Promise((done) => channel.bind('pusher:subscription_succeeded', done));
    await new Promise((done) => {
      channel.bind('client-typing', (_, m) => { metadata[kind] = JSON.stringify(m); done(); });
      say('client-typing', kind + '-room', '{}', { user_id: '7' });
    });
  }
  console.log('private ' + metadata.private + ', presence ' + metadata.presence);
  assert.deepStrictEqual(metadata, { private: '{}', presence: '{"user_id":"7"}' });
  process.exit();
})();
JS
timeout 40 node try.cjs
