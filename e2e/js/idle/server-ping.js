// A silent client is pinged by the server, answers, and stays: it is only pinged again because it has answered.
// The server must have a ping_interval of a second and an activity_timeout that is longer.
import assert from 'node:assert/strict'
import { connect, subscribe } from '../lib/reverbd.js'
import { Inbox, scenario } from '../lib/scenario.js'

scenario(async () => {
  const pusher = await connect()
  await subscribe(pusher, 'quiet')
  const inbox = new Inbox()
  pusher.connection.bind('message', (m) => inbox.put(m.event))
  assert.deepEqual(await inbox.take('the first ping'), ['pusher:ping'])
  assert.deepEqual(await inbox.take('the second ping'), ['pusher:ping'])
  assert.equal(pusher.connection.state, 'connected')
  assert.deepEqual(pusher.errors, [])
})
