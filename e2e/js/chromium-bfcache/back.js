// With deploy/js/back-forward-cache.js a user who follows a link is seen to leave, and, coming back to the page as the browser has kept
// it, is there again with all channels.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { launch, open, site, take } from '../lib/browser.js'
import { api } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

const user = (id) => ({ id, name: `User ${id}` })

scenario(async () => {
  const snippet = await readFile(new URL('../../../deploy/js/back-forward-cache.js', import.meta.url))
  const [browser, { url }] = await Promise.all([
    launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] }),
    site({
      '/back-forward-cache.js': ['text/javascript', snippet],
      '/elsewhere': ['text/html', '<!doctype html><title>Another page</title>'],
    }),
  ])
  const room = unique('room')
  const ann = await open(browser, url, '1')
  await ann.evaluate((room) => { join(room) }, room)
  assert.deepEqual(await take(ann), ['here', [user('1')]])

  const bob = await open(browser, url, '2')
  await bob.evaluate(async (room) => {
    const { followPage } = await import('/back-forward-cache.js')
    followPage(app.connector.pusher)
    addEventListener('pageshow', (event) => log('shown', event.persisted))
    join(room)
  }, room)
  assert.deepEqual(await take(bob), ['here', [user('1'), user('2')]])
  assert.deepEqual(await take(ann), ['joining', user('2')])

  for (let n = 1; n <= 2; n++) {
    await bob.goto(`${url}/elsewhere`)
    assert.deepEqual(await take(ann), ['leaving', user('2')])
    await bob.goBack({ waitUntil: 'commit' })
    assert.deepEqual(await take(bob, 'shown'), ['shown', true]) // the very page, as it was left
    assert.deepEqual(await take(bob), ['here', [user('1'), user('2')]])
    assert.deepEqual(await take(ann), ['joining', user('2')])
    await api().trigger('presence-' + room, 'App\\Events\\News', { n })
    for (const tab of [ann, bob]) assert.deepEqual(await take(tab), ['news', { n }])
  }
})
