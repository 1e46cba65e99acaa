#!/usr/bin/env bash
# pusher-js 8.6.0 tells an app of the same member twice when a server repeats pusher_internal:member_added.
#
# The roster itself is right (a member is counted once, the later user_info wins), but pusher:member_added fires for every such
# message, so that an app that appends a row for each event shows the user twice. Removing a user who is not there is silent: the two
# are not treated alike. A server therefore has to announce a user once, whatever number of tabs and nodes the user is on.
#
# Output: added: 2, members: 2, removed: 0
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
  const room = p.subscribe('presence-room');
  let added = 0, removed = 0;
  room.bind('pusher:member_added', () => added++);
  room.bind('pusher:member_removed', () => removed++);
  await new Promise((done) => room.bind('pusher:subscription_succeeded', done));
  await new Promise((done) => {
    room.bind('end', done);
    say('pusher_internal:member_added', 'presence-room', '{"user_id":"2","user_info":{"name":"Ada"}}');
    say('pusher_internal:member_added', 'presence-room', '{"user_id":"2","user_info":{"name":"Ada"}}');
    say('pusher_internal:member_removed', 'presence-room', '{"user_id":"3"}');
    say('end', 'presence-room', '{}');
  });
  console.log('added: ' + added + ', members: ' + room.members.count + ', removed: ' + removed);
  assert.deepStrictEqual([added, room.members.count, removed], [2, 2, 0]);
  process.exit();
})();
JS
timeout 40 node try.cjs
