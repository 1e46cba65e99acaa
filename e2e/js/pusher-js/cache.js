// Cache channels of every kind: a miss for the first subscriber, and the last event for those who come later.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const kinds = ['cache-', 'private-cache-', 'presence-cache-', 'private-encrypted-cache-']
  const early = await connect({ user: { user_id: 'early' } })
  const late = await connect({ user: { user_id: 'late' } })
  for (const kind of kinds) {
    const name = unique(kind + 'weather')
    const first = await subscribe(early, name)
    assert.deepEqual(await first.inbox.take(), ['pusher:cache_miss', undefined], kind)

    await api().trigger(name, 'rain', { mm: 1 })
    await api().trigger(name, 'sun', { mm: 0 })
    assert.deepEqual(await first.inbox.take(), ['rain', { mm: 1 }])
    assert.deepEqual(await first.inbox.take(), ['sun', { mm: 0 }])

    const second = await subscribe(late, name)
    assert.deepEqual(await second.inbox.take(), ['sun', { mm: 0 }], kind)

    // The event outlives its subscribers.
    early.unsubscribe(name)
    late.unsubscribe(name)
    const third = await subscribe(await connect({ user: { user_id: 'third' } }), name)
    assert.deepEqual(await third.inbox.take(), ['sun', { mm: 0 }], kind)
  }
})
