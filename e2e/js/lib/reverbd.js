// The server under test, and the clients of it.

import PusherServer from 'pusher'
import Pusher from 'pusher-js'
import Echo from 'laravel-echo'
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { atEnd, Inbox, until } from './scenario.js'

export const app = { id: 'app-id', key: 'app-key', secret: 'app-secret' }
export const host = '127.0.0.1'
export const port = Number(process.env.REVERBD_PORT)
if (!port) throw new Error('REVERBD_PORT is not set: scenarios are run by go test ./e2e')
export const path = process.env.REVERBD_PATH ?? '' // '' or '/ws'

export const secure = Boolean(process.env.REVERBD_TLS) // the server speaks TLS

// api is the server library. It has no option for a path prefix; a port or a host that ends in one does it, and the prefix stays
// outside of what is signed.
export function api(options = {}) {
  return new PusherServer({
    appId: app.id, key: app.key, secret: app.secret, host, port: port + path, useTLS: secure,
    encryptionMasterKeyBase64: Buffer.alloc(32, 'k').toString('base64'),
    ...options,
  })
}

// authorize signs every subscription, as the user if there is one: { user_id, user_info }.
export function authorize(user) {
  return ({ socketId, channelName }, callback) => {
    const member = channelName.startsWith('presence-') ? user : undefined
    callback(null, api().authorizeChannel(socketId, channelName, member))
  }
}

// client makes a pusher-js client, which connects by itself.
export function client({ key = app.key, user, ...options } = {}) {
  const pusher = new Pusher(key, {
    cluster: '', wsHost: host, wsPort: port, wssPort: port, wsPath: path, forceTLS: secure, enabledTransports: ['ws', 'wss'],
    channelAuthorization: { customHandler: authorize(user) },
    ...options,
  })
  pusher.states = [] // after the first, connecting
  pusher.connection.bind('state_change', ({ current }) => pusher.states.push(current))
  pusher.errors = []
  pusher.connection.bind('error', (e) => pusher.errors.push(e))
  atEnd(() => pusher.disconnect())
  return pusher
}

// connect makes one and waits until it is connected.
export async function connect(options) {
  const pusher = client(options)
  await until(pusher.connection, 'connected')
  return pusher
}

// subscribe waits until the channel is subscribed, and puts all that comes afterwards into channel.inbox.
export async function subscribe(pusher, name) {
  const channel = pusher.subscribe(name)
  channel.inbox = new Inbox()
  channel.bind_global((event, data) => channel.inbox.put(event, data))
  const [first] = await channel.inbox.take(`subscription of ${name}`)
  assert.equal(first, 'pusher:subscription_succeeded')
  return channel
}

// echo makes a laravel-echo client as Laravel's echo.js does, on Node's pusher-js.
export async function echo(options = {}) {
  const echo = new Echo({
    broadcaster: 'reverb', key: app.key, wsHost: host, wsPort: port, wssPort: port, wsPath: path,
    forceTLS: secure, enabledTransports: ['ws', 'wss'],
    Pusher, ...options,
  })
  atEnd(() => echo.disconnect())
  await until(echo.connector.pusher.connection, 'connected')
  return echo
}

// echoSubscribed resolves when a channel of Echo's is subscribed.
export function echoSubscribed(channel) {
  return until(channel.subscription, 'pusher:subscription_succeeded')
}

// backend is a small application: POST /broadcasting/auth as Laravel answers it, for the user named in the header X-User, or in
// the cookie "user"; nobody may join a channel with "forbidden" in its name. More routes: { '/page': [type, body] }.
export function backend(routes = {}) {
  return new Promise((resolve) => {
    const server = createServer(async (req, res) => {
      const { pathname } = new URL(req.url, 'http://backend')
      if (pathname === '/broadcasting/auth' && req.method === 'POST') {
        const [status, body] = broadcastingAuth(req, new URLSearchParams(await text(req)))
        res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
      } else if (routes[pathname]) {
        res.writeHead(200, { 'Content-Type': routes[pathname][0] }).end(routes[pathname][1])
      } else {
        res.writeHead(404).end()
      }
    })
    atEnd(() => server.close())
    server.listen(0, host, () => resolve({ port: server.address().port, url: `http://${host}:${server.address().port}` }))
  })
}

function broadcastingAuth(req, form) {
  const cookie = /(?:^|; )user=([^;]+)/.exec(req.headers.cookie ?? '')
  const id = req.headers['x-user'] ?? cookie?.[1]
  const channel = form.get('channel_name')
  if (!id || channel.includes('forbidden')) return [403, { message: 'This action is unauthorized.' }]
  const member = { user_id: id, user_info: { id, name: `User ${id}` } }
  return [200, api().authorizeChannel(form.get('socket_id'), channel, channel.startsWith('presence-') ? member : undefined)]
}

async function text(stream) {
  let s = ''
  for await (const chunk of stream) s += chunk
  return s
}
