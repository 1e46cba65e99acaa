// Echo on private channels: whispers, broadcast(...)->toOthers(), notifications, encryption, and what may not be joined.
import assert from 'node:assert/strict'
import { api, backend, echo, echoSubscribed } from '../lib/reverbd.js'
import { Inbox, scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const authEndpoint = (await backend()).url + '/broadcasting/auth'
  const [ann, bob] = await Promise.all(['1', '2'].map((id) => echo({ authEndpoint, auth: { headers: { 'X-User': id } } })))
  const name = unique('chat')
  const chats = [ann, bob].map((app) => app.private(name))
  const [annsInbox, bobsInbox] = chats.map((chat) => {
    const inbox = new Inbox()
    chat.listenForWhisper('typing', (e) => inbox.put('typing', e)).listen('Said', (e) => inbox.put('Said', e)).notification((e) => inbox.put('notification', e))
    return inbox
  })
  await Promise.all(chats.map(echoSubscribed))

  chats[0].whisper('typing', { name: 'Ann' })
  assert.deepEqual(await bobsInbox.take(), ['typing', { name: 'Ann' }])
  await api().trigger('private-' + name, 'App\\Events\\Said', { text: 'hi' }, { socket_id: ann.socketId() })
  assert.deepEqual(await bobsInbox.take(), ['Said', { text: 'hi' }])
  await api().trigger('private-' + name, 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', { id: 'n1', type: 'Paid' })
  assert.deepEqual(await annsInbox.take(), ['notification', { id: 'n1', type: 'Paid' }]) // neither her whisper, nor what was for others
  assert.deepEqual(await bobsInbox.take(), ['notification', { id: 'n1', type: 'Paid' }])

  const secret = bob.encryptedPrivate(name).listen('.secret', (e) => bobsInbox.put('secret', e))
  await echoSubscribed(secret)
  await api().trigger('private-encrypted-' + name, 'secret', { n: 1 })
  assert.deepEqual(await bobsInbox.take(), ['secret', { n: 1 }])

  const refused = await new Promise((resolve) => bob.private(unique('forbidden')).error(resolve))
  assert.equal(refused.status, 403)
})
