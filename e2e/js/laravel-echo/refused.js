// A subscription that the server refuses: Echo's error() hears it. pusher-js takes the channel for pending from then on, and asks for it
// again only on a new connection.
import assert from 'node:assert/strict'
import { api, echo, echoSubscribed } from '../lib/reverbd.js'
import { Inbox, scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  let secret = 'wrong'
  const asked = new Inbox()
  const app = await echo({ channelAuthorization: {
    customHandler: ({ socketId, channelName }, callback) => {
      asked.put(channelName)
      callback(null, api({ secret }).authorizeChannel(socketId, channelName, channelName.startsWith('presence-') ? { user_id: '1' } : undefined))
    },
  } })
  for (const [join, prefix] of [['private', 'private-'], ['join', 'presence-']]) {
    secret = 'wrong'
    const name = unique('room')
    const refused = await new Promise((resolve) => app[join](name).error(resolve))
    assert.deepEqual(refused, { type: 'AuthError', error: 'Connection is unauthorized', status: 401 })
    assert.deepEqual(await asked.take(), [prefix + name])

    secret = 'app-secret'
    app.connector.pusher.subscribe(prefix + name)
    app.leave(name)
    const again = app[join](name)
    assert.equal(again.subscription.subscriptionPending, true)
    assert.deepEqual(asked.rest, [])

    const { connection } = app.connector.pusher
    connection.disconnect()
    connection.connect()
    await echoSubscribed(again)
    assert.deepEqual(await asked.take(), [prefix + name])
    app.leave(name)
  }
})
