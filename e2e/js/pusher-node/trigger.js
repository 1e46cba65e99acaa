// The server library: one channel, several, all but one socket, and with attributes of the channels in the answer.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const user = { user_id: '1' }
  const [ann, bob] = await Promise.all([connect({ user }), connect({ user })])
  const names = [unique('one'), unique('presence-two')]
  const anns = [await subscribe(ann, names[0]), await subscribe(ann, names[1])]
  const bobs = [await subscribe(bob, names[0]), await subscribe(bob, names[1])]

  const plain = await api().trigger(names[0], 'single', { n: 1 })
  assert.equal(plain.status, 200)
  assert.match(plain.headers.get('content-type'), /^application\/json/)
  assert.deepEqual(await plain.json(), {})
  await api().trigger(names, 'several', { n: 2 })
  await api().trigger(names, 'to others', { n: 3 }, { socket_id: ann.connection.socket_id })
  const info = await api().trigger(names, 'informed', { n: 4 }, { info: 'user_count,subscription_count' })
  assert.deepEqual(await info.json(), { channels: { [names[0]]: { subscription_count: 2 }, [names[1]]: { user_count: 1 } } })

  const events = [['single', { n: 1 }], ['several', { n: 2 }], ['to others', { n: 3 }], ['informed', { n: 4 }]]
  for (const expected of events) assert.deepEqual(await bobs[0].inbox.take(), expected)
  for (const expected of events.slice(1)) assert.deepEqual(await bobs[1].inbox.take(), expected)
  for (const expected of [events[0], events[1], events[3]]) assert.deepEqual(await anns[0].inbox.take(), expected)
  for (const expected of [events[1], events[3]]) assert.deepEqual(await anns[1].inbox.take(), expected)
})
