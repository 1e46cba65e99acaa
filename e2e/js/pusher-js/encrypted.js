// End-to-end encrypted channels: the server passes on what it cannot read, and pusher-js decrypts it.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const pusher = await connect()
  const seen = []
  pusher.connection.bind('message', (m) => seen.push(m))
  const secret = await subscribe(pusher, unique('private-encrypted-secret'))
  await api().trigger(secret.name, 'secret', { text: 'tajné' })
  assert.deepEqual(await secret.inbox.take(), ['secret', { text: 'tajné' }])
  assert.deepEqual(Object.keys(seen.at(-1).data).sort(), ['ciphertext', 'nonce'])

  await api().triggerBatch([{ channel: secret.name, name: 'secret', data: [1] }, { channel: secret.name, name: 'secret', data: [2] }])
  assert.deepEqual(await secret.inbox.take(), ['secret', [1]])
  assert.deepEqual(await secret.inbox.take(), ['secret', [2]])
})
