// A sign-in that the app has not signed ends the connection for good, and the promise of pusher-js is settled.
import assert from 'node:assert/strict'
import { api, connect } from '../lib/reverbd.js'
import { scenario, until, waitFor } from '../lib/scenario.js'

scenario(async () => {
  const pusher = await connect({ userAuthentication: {
    customHandler: ({ socketId }, callback) => callback(null, api({ secret: 'wrong' }).authenticateUser(socketId, { id: '1' })),
  } })
  const gone = until(pusher.connection, 'disconnected')
  pusher.signin()
  await gone
  await waitFor('signin', pusher.user.signinDonePromise)
  assert.equal(pusher.user.user_data, null)
  assert.equal(pusher.errors.at(-1).error.data.code, 4009)
})
