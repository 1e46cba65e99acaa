// Presence channels: who is there, one user on two connections, who comes and goes, and who whispers.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

const ann = { user_id: '1', user_info: { name: 'Ann', roles: [], extra: {} } }
const bob = { user_id: '2', user_info: { name: 'Bob' } }

scenario(async () => {
  const name = unique('presence-room')
  const annsPhone = await connect({ user: ann })
  const first = await subscribe(annsPhone, name)
  assert.equal(first.members.count, 1)
  assert.deepEqual(first.members.me, { id: '1', info: ann.user_info })

  const bobs = await connect({ user: bob })
  const second = await subscribe(bobs, name)
  assert.equal(second.members.count, 2)
  assert.deepEqual(second.members.members, { 1: ann.user_info, 2: bob.user_info })
  assert.deepEqual(await first.inbox.take(), ['pusher:member_added', { id: '2', info: bob.user_info }])

  // Ann is one user on two connections: nobody is told of the second, nor when one of them ends.
  const annsLaptop = await connect({ user: ann })
  const third = await subscribe(annsLaptop, name)
  assert.equal(third.members.count, 2)
  annsPhone.disconnect()
  await users(name, ['1', '2'])

  // A whisper says who it is from.
  const whispered = new Promise((resolve) => second.bind('client-hi', (data, metadata) => resolve([data, metadata])))
  third.trigger('client-hi', { there: true })
  assert.deepEqual(await whispered, [{ there: true }, { user_id: '1' }])
  assert.deepEqual(await second.inbox.take(), ['client-hi', { there: true }])

  annsLaptop.unsubscribe(name)
  assert.deepEqual(await second.inbox.take(), ['pusher:member_removed', { id: '1', info: ann.user_info }])
  assert.deepEqual(Object.keys(second.members.members), ['2'])
  assert.deepEqual(second.inbox.rest, [])
  await users(name, ['2'])
})

async function users(channel, ids) {
  const res = await api().get({ path: `/channels/${channel}/users` })
  const { users } = await res.json()
  assert.deepEqual(users.map((u) => u.id).sort(), ids)
}
