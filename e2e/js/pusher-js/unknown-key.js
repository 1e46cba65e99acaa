// An unknown application key is refused, and pusher-js does not try again.
import assert from 'node:assert/strict'
import { client } from '../lib/reverbd.js'
import { scenario, until } from '../lib/scenario.js'

scenario(async () => {
  const pusher = client({ key: 'no-such-key' })
  await until(pusher.connection, 'disconnected')
  assert.deepEqual(pusher.states, ['disconnected'])
  assert.ok(!pusher.connection.retryTimer)
  assert.equal(pusher.errors.length, 1)
  assert.deepEqual(pusher.errors[0].error.data, { code: 4001, message: 'Application does not exist' })
})
