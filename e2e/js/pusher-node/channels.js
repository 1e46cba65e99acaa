// The server library: what it can ask about channels and their users.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const get = async (path, params) => (await api().get({ path, params })).json()
  const prefix = unique('presence-room')
  assert.deepEqual(await get('/channels', { filter_by_prefix: prefix }), { channels: {} })
  assert.deepEqual(await get(`/channels/${prefix}-1`, { info: 'user_count' }), { occupied: false })

  const [ann, ann2, bob] = await Promise.all(['1', '1', '2'].map((id) => connect({ user: { user_id: id, user_info: {} } })))
  for (const pusher of [ann, ann2, bob]) await subscribe(pusher, `${prefix}-1`)
  await subscribe(bob, `${prefix}-2`)
  assert.deepEqual(await get('/channels', { filter_by_prefix: prefix, info: 'user_count' }), {
    channels: { [`${prefix}-1`]: { user_count: 2 }, [`${prefix}-2`]: { user_count: 1 } },
  })
  assert.deepEqual(await get('/channels', { filter_by_prefix: prefix }), { channels: { [`${prefix}-1`]: {}, [`${prefix}-2`]: {} } })
  assert.deepEqual(await get(`/channels/${prefix}-1`, { info: 'user_count' }), { occupied: true, user_count: 2 })
  assert.deepEqual(await get(`/channels/${prefix}-1/users`), { users: [{ id: '1' }, { id: '2' }] })

  const open = await subscribe(bob, unique('open'))
  assert.deepEqual(await get(`/channels/${open.name}`, { info: 'subscription_count' }), { occupied: true, subscription_count: 1 })
  const { connections } = await get('/connections')
  assert.ok(connections >= 3, `${connections} connections`)
})
