// pusher.signin(): events for one user, presence without channel_data, the watchlist, and what the API does to a user.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { Inbox, scenario, unique, until, waitFor } from '../lib/scenario.js'

// signIn connects a client that signs in as a user, as Pusher's documentation has it.
async function signIn(id, watchlist, options = {}) {
  const user = { id, user_info: { name: `User ${id}` }, watchlist }
  const pusher = await connect({
    userAuthentication: { customHandler: ({ socketId }, callback) => callback(null, api().authenticateUser(socketId, user)) },
    channelAuthorization: { // without channel_data: who it is, is known
      customHandler: ({ socketId, channelName }, callback) => callback(null, api().authorizeChannel(socketId, channelName)),
    },
    ...options,
  })
  pusher.watched = new Inbox()
  for (const name of ['online', 'offline']) pusher.user.watchlist.bind(name, (e) => pusher.watched.put(name, e.user_ids))
  pusher.personal = new Inbox()
  pusher.user.bind_global((event, data) => pusher.personal.put(event, data))
  pusher.signin()
  await waitFor('signin', pusher.user.signinDonePromise)
  assert.equal(pusher.user.user_data.id, id)
  return pusher
}

scenario(async () => {
  const [ann, ben] = [unique('ann'), unique('ben')]
  const first = await signIn(ann, [ben])
  assert.deepEqual(await first.watched.take(), ['offline', [ben]])
  const second = await signIn(ben, [ann])
  assert.deepEqual(await second.watched.take(), ['online', [ann]])
  assert.deepEqual(await first.watched.take(), ['online', [ben]])

  const mine = first.user.serverToUserChannel
  if (!mine.subscribed) await until(mine, 'pusher:subscription_succeeded')
  await api().sendToUser(ann, 'personal', { n: 1 })
  await api().sendToUser(unique('nobody'), 'personal', { n: 2 })
  await api().triggerBatch([{ channel: `#server-to-user-${ann}`, name: 'personal', data: { n: 3 } }])
  for (const n of [1, 3]) {
    let event
    do event = await first.personal.take('a personal event')
    while (event[0].startsWith('pusher'))
    assert.deepEqual(event, ['personal', { n }])
  }

  const room = unique('presence-room')
  const annsRoom = await subscribe(first, room)
  const bensRoom = await subscribe(second, room)
  assert.deepEqual(bensRoom.members.members, { [ann]: { name: `User ${ann}` }, [ben]: { name: `User ${ben}` } })
  assert.deepEqual(await annsRoom.inbox.take(), ['pusher:member_added', { id: ben, info: { name: `User ${ben}` } }])

  const about = await (await api().get({ path: `/users/${ben}` })).json()
  assert.deepEqual(about, { online: true, connections: 1, channels: [`#server-to-user-${ben}`, room].sort() })

  const told = until(bensRoom, 'pusher:subscription_error')
  await api().post({ path: `/users/${ben}/unsubscribe`, body: { channels: ['presence-*'] } })
  assert.deepEqual(await told, { type: 'AuthError', error: 'The app has ended the subscription.', status: 403 })
  assert.deepEqual(await annsRoom.inbox.take(), ['pusher:member_removed', { id: ben, info: { name: `User ${ben}` } }])

  const back = until(bensRoom, 'pusher:subscription_succeeded') // pusher-js asks for it again on the new connection
  await api().post({ path: `/users/${ben}/reconnect`, body: {} })
  await back
  assert.deepEqual(await annsRoom.inbox.take(), ['pusher:member_added', { id: ben, info: { name: `User ${ben}` } }])

  const gone = until(second.connection, 'disconnected')
  await api().terminateUserConnections(ben)
  await gone
  assert.equal(second.errors.at(-1).error.data.code, 4009)
  assert.deepEqual(await first.watched.take(), ['offline', [ben]]) // nothing was said of the reconnect
  assert.deepEqual(first.watched.rest, [])
})
