// pusher-js asks for a sign of life, and the server answers.
import assert from 'node:assert/strict'
import { connect } from '../lib/reverbd.js'
import { Inbox, scenario } from '../lib/scenario.js'

scenario(async () => {
  const pusher = await connect({ activityTimeout: 20 })
  const inbox = new Inbox()
  pusher.connection.bind('message', (m) => inbox.put(m.event))
  assert.deepEqual(await inbox.take('pusher:pong'), ['pusher:pong'])
  assert.deepEqual(await inbox.take('pusher:pong'), ['pusher:pong'])
  assert.deepEqual(pusher.errors, [])
})
