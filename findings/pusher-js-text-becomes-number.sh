#!/usr/bin/env bash
# pusher-js 8.6.0 gives a listener another type than the text that was published: whatever text is JSON is parsed.
#
# A publisher that sends the text "9007199254740993" (a snowflake id, a phone number) reaches a listener as the number
# 9007199254740992: another type, and another value. "1e3" arrives as 1000, "true" as true, "007" and "a1" as the text they are.
# A server cannot prevent it: the Pusher protocol carries the data of an event as a string, and pusher-js parses that string.
# An object is safe only if the id in it is a string.
#
# Output: 9007199254740993 -> number 9007199254740992, 1e3 -> number 1000, true -> boolean true, 007 -> string 007, a1 -> string a1
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
  const seen = [];
  const texts = ['9007199254740993', '1e3', 'true', '007', 'a1'];
  await new Promise((done) => {
    const channel = p.subscribe('orders');
    channel.bind('id', (data) => seen.push(typeof data + ' ' + data) === texts.length && done());
    channel.bind('pusher:subscription_succeeded', () => texts.forEach((text) => say('id', 'orders', text)));
  });
  texts.forEach((text, i) => console.log(text, '->', seen[i]));
  assert.deepStrictEqual(seen, ['number 9007199254740992', 'number 1000', 'boolean true', 'string 007', 'string a1']);
  process.exit();
})();
JS
timeout 40 node try.cjs
