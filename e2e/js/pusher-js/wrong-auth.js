// A subscription with a wrong signature is refused, and the connection goes on.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique, until } from '../lib/scenario.js'

scenario(async () => {
  const wrong = {
    'another secret': (id, name, member) => api({ secret: 'wrong' }).authorizeChannel(id, name, member),
    'another socket': (id, name, member) => api().authorizeChannel('1.1', name, member),
    'another channel': (id, name, member) => api().authorizeChannel(id, name + 'x', member),
    'another member': (id, name, member) => ({ ...api().authorizeChannel(id, name, member), channel_data: '{"user_id":"admin"}' }),
    'not a signature': () => ({ auth: 'garbage', channel_data: '{"user_id":"1"}' }),
  }
  for (const [what, auth] of Object.entries(wrong)) {
    const pusher = await connect({ channelAuthorization: {
      customHandler: ({ socketId, channelName }, callback) => callback(null, auth(socketId, channelName, { user_id: '1' })),
    } })
    const room = pusher.subscribe(unique('presence-room'))
    const { data } = await until(pusher.connection, 'error')
    assert.deepEqual(data, { code: 4009, message: 'Connection is unauthorized' }, what)
    assert.equal(room.subscribed, false, what)
    await subscribe(pusher, unique('public'))
    const res = await api().get({ path: `/channels/${room.name}` })
    assert.deepEqual(await res.json(), { occupied: false }, what)
  }
})
