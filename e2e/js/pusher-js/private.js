// Private channels: client events reach everyone but their sender, and only those who are subscribed.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique, until } from '../lib/scenario.js'

scenario(async () => {
  const name = unique('private-chat')
  const [ann, bob, outsider] = await Promise.all([connect(), connect(), connect()])
  const [annChat, bobChat] = await Promise.all([subscribe(ann, name), subscribe(bob, name)])

  annChat.trigger('client-typing', { who: 'ann', empty: {}, n: 1.0 })
  assert.deepEqual(await bobChat.inbox.take(), ['client-typing', { who: 'ann', empty: {}, n: 1 }])
  bobChat.trigger('client-typing', { who: 'bob' })
  assert.deepEqual(await annChat.inbox.take(), ['client-typing', { who: 'bob' }]) // and not her own
  await api().trigger(name, 'fence', {})
  assert.deepEqual(await bobChat.inbox.take(), ['fence', {}]) // and not his own

  outsider.send_event('client-typing', { who: 'outsider' }, name)
  const refused = await errorOf(outsider)
  assert.deepEqual(refused, { code: 4009, message: 'The client is not a member of the specified channel.' })
  await api().trigger(name, 'fence', {})
  assert.deepEqual(await annChat.inbox.take(), ['fence', {}])
  assert.deepEqual(await annChat.inbox.take(), ['fence', {}])
  assert.equal(outsider.connection.state, 'connected')
})

async function errorOf(pusher) {
  const { data } = await until(pusher.connection, 'error')
  return data
}
