// The server library: triggerBatch, with and without attributes in the answer.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const pusher = await connect({ user: { user_id: '1' } })
  const one = await subscribe(pusher, unique('one'))
  const two = await subscribe(pusher, unique('presence-two'))

  const plain = await api().triggerBatch([
    { channel: one.name, name: 'first', data: { n: 1 } },
    { channel: two.name, name: 'second', data: 'text' },
    { channel: one.name, name: 'not for her', data: {}, socket_id: pusher.connection.socket_id },
    { channel: one.name, name: 'third', data: [3] },
  ])
  assert.deepEqual(await plain.json(), { batch: {} })
  assert.deepEqual(await one.inbox.take(), ['first', { n: 1 }])
  assert.deepEqual(await one.inbox.take(), ['third', [3]])
  assert.deepEqual(await two.inbox.take(), ['second', 'text'])

  const info = await api().triggerBatch([
    { channel: one.name, name: 'a', data: 1, info: 'subscription_count' },
    { channel: two.name, name: 'b', data: 2 },
    { channel: two.name, name: 'c', data: 3, info: 'user_count' },
  ])
  assert.deepEqual(await info.json(), { batch: [{ subscription_count: 1 }, {}, { user_count: 1 }] })
})
