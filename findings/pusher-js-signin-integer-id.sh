#!/usr/bin/env bash
# pusher-js 8.6.0 does not believe a sign-in whose user id is a number, and tells the app nothing.
#
# Laravel signs Auth::user()->id as it is, an integer. The server's pusher:signin_success may carry the user_data as it was signed;
# pusher-js then logs an error, keeps signin_requested, and neither signs in nor subscribes to #server-to-user-ID. With the same id as
# a string everything works. So a server has to confirm with the id as a string.
#
# Output: id 1: user null, subscribes 0; id "1": user {"id":"1"}, subscribes 1
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
    userAuthentication: { customHandler: (_, done) => done(null, { auth: 'key:signature', user_data: '{"id":1}' }) },
  });
};
const soon = (ms = 300) => new Promise((done) => setTimeout(done, ms));
const connected = (p) => new Promise((done) => p.connection.bind('connected', done));

const answer = () => {};
const signIn = async (userData) => {
  sent.length = 0;
  const p = await client();
  await connected(p);
  p.signin();
  while (!sent.some((m) => m.event === 'pusher:signin')) await soon(20);
  say('pusher:signin_success', undefined, JSON.stringify({ user_data: userData }));
  await soon();
  const subscribes = sent.filter((m) => m.event === 'pusher:subscribe').length;
  const user = JSON.stringify(p.user.user_data);
  p.disconnect();
  return 'user ' + user + ', subscribes ' + subscribes;
};
const seen = [];
(async () => {
  for (const id of ['1', '"1"']) seen.push(await signIn('{"id":' + id + '}').then((s) => 'id ' + id + ': ' + s));
})().then(() => {
  console.log(seen.join('; '));
  process.exit(seen[0] === 'id 1: user null, subscribes 0' && seen[1] === 'id "1": user {"id":"1"}, subscribes 1' ? 0 : 1);
});
JS
timeout 40 node try.cjs
