// Two tabs in a presence room: each sees the other, a whisper, an event of the server, and that a tab was closed. Then the server is
// restarted, and the tab that is left comes back.
import assert from 'node:assert/strict'
import { launch, open, site, take } from '../lib/browser.js'
import { api } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

const user = (id) => ({ id, name: `User ${id}` })

scenario(async () => {
  const [browser, { url }] = await Promise.all([launch(), site()])
  const room = unique('room')
  const news = (n) => api().trigger('presence-' + room, 'App\\Events\\News', { n })

  const ann = await open(browser, url, '1')
  await ann.evaluate((room) => { join(room) }, room)
  assert.deepEqual(await take(ann), ['here', [user('1')]])
  const bob = await open(browser, url, '2')
  await bob.evaluate((room) => { join(room) }, room)
  assert.deepEqual(await take(bob), ['here', [user('1'), user('2')]])
  assert.deepEqual(await take(ann), ['joining', user('2')])

  await ann.evaluate(() => { room.whisper('wave', { from: 'Ann', text: '👋 ž' }) })
  assert.deepEqual(await take(bob), ['wave', { from: 'Ann', text: '👋 ž' }])
  await news(1)
  assert.deepEqual(await take(ann), ['news', { n: 1 }]) // and not her own whisper
  assert.deepEqual(await take(bob), ['news', { n: 1 }])

  await bob.close()
  assert.deepEqual(await take(ann), ['leaving', user('2')])

  const before = await ann.evaluate(() => app.socketId())
  const restarted = await fetch(process.env.RESTART_URL, { method: 'POST' })
  assert.equal(restarted.status, 200, await restarted.text())
  assert.deepEqual(await take(ann, 'error'), ['error', 4200]) // "come back at once"
  assert.deepEqual(await take(ann), ['here', [user('1')]])
  assert.notEqual(await ann.evaluate(() => app.socketId()), before)
  await news(2)
  assert.deepEqual(await take(ann), ['news', { n: 2 }])
})
