// Echo on presence channels: here, joining, leaving, whispers.
import assert from 'node:assert/strict'
import { api, backend, echo } from '../lib/reverbd.js'
import { Inbox, scenario, unique } from '../lib/scenario.js'

const user = (id) => ({ id, name: `User ${id}` })

scenario(async () => {
  const authEndpoint = (await backend()).url + '/broadcasting/auth'
  const name = unique('room')
  const join = async (id) => {
    const app = await echo({ authEndpoint, auth: { headers: { 'X-User': id } } })
    const inbox = new Inbox()
    const room = app.join(name)
      .here((users) => inbox.put('here', users))
      .joining((u) => inbox.put('joining', u))
      .leaving((u) => inbox.put('leaving', u))
      .listenForWhisper('wave', (e) => inbox.put('wave', e))
      .listen('.news', (e) => inbox.put('news', e))
    return { app, room, inbox }
  }

  const ann = await join('1')
  assert.deepEqual(await ann.inbox.take(), ['here', [user('1')]])
  const bob = await join('2')
  assert.deepEqual(await bob.inbox.take(), ['here', [user('1'), user('2')]])
  assert.deepEqual(await ann.inbox.take(), ['joining', user('2')])
  const bobsPhone = await join('2')
  assert.deepEqual(await bobsPhone.inbox.take(), ['here', [user('1'), user('2')]])

  bob.room.whisper('wave', { hands: 2 })
  assert.deepEqual(await ann.inbox.take(), ['wave', { hands: 2 }])
  assert.deepEqual(await bobsPhone.inbox.take(), ['wave', { hands: 2 }])
  await api().trigger('presence-' + name, 'news', { n: 1 })
  for (const { inbox } of [ann, bob, bobsPhone]) assert.deepEqual(await inbox.take(), ['news', { n: 1 }])

  bob.app.leave(name)
  bobsPhone.room.whisper('wave', { hands: 1 })
  assert.deepEqual(await ann.inbox.take(), ['wave', { hands: 1 }]) // one Bob is left
  bobsPhone.app.disconnect()
  assert.deepEqual(await ann.inbox.take(), ['leaving', user('2')])
  assert.deepEqual([ann, bob, bobsPhone].flatMap((x) => x.inbox.rest), [])
})
