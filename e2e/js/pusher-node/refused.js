// The server library with wrong credentials.
import assert from 'node:assert/strict'
import { api, app } from '../lib/reverbd.js'
import { scenario } from '../lib/scenario.js'

scenario(async () => {
  await assert.rejects(api({ secret: 'wrong' }).trigger('c', 'e', {}), { status: 401, body: 'Authentication signature invalid.' })
  await assert.rejects(api({ secret: 'wrong' }).get({ path: '/channels' }), { status: 401 })
  await assert.rejects(api({ appId: app.id + '0' }).trigger('c', 'e', {}), { status: 404, body: `No matching application for ID [${app.id}0].` })
})
