// The server library: every connection of a user is ended, and pusher-js does not come back.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique, until } from '../lib/scenario.js'

scenario(async () => {
  const id = unique('user')
  const [phone, laptop, other] = await Promise.all([id, id, unique('other')].map((user_id) => connect({ user: { user_id } })))
  const room = unique('presence-room')
  await subscribe(phone, room)
  await subscribe(laptop, unique('presence-elsewhere'))
  const others = await subscribe(other, room)

  const gone = [phone, laptop].map((pusher) => until(pusher.connection, 'disconnected'))
  const res = await api().terminateUserConnections(id)
  assert.deepEqual(await res.json(), {})
  await Promise.all(gone)
  for (const pusher of [phone, laptop]) {
    assert.deepEqual(pusher.states, ['connected', 'disconnected'])
    assert.ok(!pusher.connection.retryTimer)
    assert.equal(pusher.errors.at(-1).error.data.code, 4009)
  }
  assert.deepEqual(await others.inbox.take(), ['pusher:member_removed', { id, info: {} }])
  assert.equal(other.connection.state, 'connected')
})
