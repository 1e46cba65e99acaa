// A page that has an HTTP/2 connection to the proxy gets its WebSocket on that one (RFC 8441), and everything goes both ways over it.
import assert from 'node:assert/strict'
import { launch, site, show, take } from '../lib/browser.js'
import { api, host, port } from '../lib/reverbd.js'
import { scenario, unique, waitFor } from '../lib/scenario.js'

const user = (id) => ({ id, name: `User ${id}` })

scenario(async () => {
  const [browser, { url }] = await Promise.all([launch(), site()])
  const room = unique('room')
  const tabs = []
  for (const id of ['1', '2']) {
    const tab = await show(browser, url, id)
    const devtools = await tab.context().newCDPSession(tab)
    await devtools.send('Network.enable')
    const handshake = new Promise((resolve) => devtools.on('Network.webSocketHandshakeResponseReceived', resolve))
    // Chromium opens no HTTP/2 connection for a WebSocket, but uses one that is there.
    await tab.evaluate((up) => fetch(up, { mode: 'no-cors', credentials: 'include' }), `https://${host}:${port}/up`)
    await tab.evaluate(() => connect())
    const { response } = await waitFor('the handshake', handshake)
    assert.equal(response.status, 200) // of an extended CONNECT; 101 is HTTP/1.1
    await tab.evaluate((room) => { join(room) }, room)
    tabs.push(tab)
    assert.equal((await take(tab))[0], 'here')
  }
  const [ann, bob] = tabs
  assert.deepEqual(await take(ann), ['joining', user('2')])
  await ann.evaluate(() => { room.whisper('wave', { text: '👋 ž' }) })
  assert.deepEqual(await take(bob), ['wave', { text: '👋 ž' }])
  await api().trigger('presence-' + room, 'App\\Events\\News', { n: 1 })
  for (const tab of tabs) assert.deepEqual(await take(tab), ['news', { n: 1 }])
  await bob.close()
  assert.deepEqual(await take(ann), ['leaving', user('2')])
})
