// Channels authorized over HTTP, as by Laravel's /broadcasting/auth.
import assert from 'node:assert/strict'
import { backend, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique, until } from '../lib/scenario.js'

scenario(async () => {
  const { url } = await backend()
  const pusher = await connect({ channelAuthorization: { endpoint: url + '/broadcasting/auth', headers: { 'X-User': '7' } } })
  await subscribe(pusher, unique('private-orders'))
  const room = await subscribe(pusher, unique('presence-room'))
  assert.deepEqual(room.members.me, { id: '7', info: { id: '7', name: 'User 7' } })

  const forbidden = pusher.subscribe(unique('private-forbidden'))
  const { status } = await until(forbidden, 'pusher:subscription_error')
  assert.equal(status, 403)
})
