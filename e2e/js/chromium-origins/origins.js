// A page of a forbidden origin is refused and does not try again; a page of an allowed one is let in.
// The server must allow the origin "localhost" alone.
import assert from 'node:assert/strict'
import { launch, open, site, take } from '../lib/browser.js'
import { scenario } from '../lib/scenario.js'

scenario(async () => {
  const [browser, { port, url }] = await Promise.all([launch(), site()])
  const refused = await open(browser, url, '1')
  assert.deepEqual(await take(refused, 'error'), ['error', 4009])
  assert.deepEqual(await take(refused, 'state'), ['state', 'disconnected'])
  assert.ok(await refused.evaluate(() => !app.connector.pusher.connection.retryTimer))

  const allowed = await open(browser, `http://localhost:${port}`, '1')
  assert.deepEqual(await take(allowed, 'state'), ['state', 'connected'])
  assert.equal(await refused.evaluate(() => app.connector.pusher.connection.state), 'disconnected')
})
