// subscription_count: pusher-js passes it on to the channel.
import assert from 'node:assert/strict'
import { connect } from '../lib/reverbd.js'
import { Inbox, scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const name = unique('news')
  const inbox = new Inbox()
  const first = await connect()
  const channel = first.subscribe(name)
  channel.bind('pusher:subscription_count', (data) => inbox.put(data.subscription_count))
  assert.deepEqual(await inbox.take(), [1])
  const second = await connect()
  second.subscribe(name)
  assert.deepEqual(await inbox.take(), [2])
  assert.equal(channel.subscriptionCount, 2)
  second.disconnect()
  assert.deepEqual(await inbox.take(), [1])
})
