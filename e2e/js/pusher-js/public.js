// A public channel: events of the server in their order with all of their data, and none after unsubscribing.
import assert from 'node:assert/strict'
import { api, connect, subscribe } from '../lib/reverbd.js'
import { scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const pusher = await connect()
  assert.match(pusher.connection.socket_id, /^\d+\.\d+$/)

  const orders = await subscribe(pusher, unique('orders'))
  const payloads = [{ id: 1, nested: { list: [1, 2.5, null, true], empty: {} } }, [1, 2], 'plain text', 'žluťoučký 🐎 "quoted" </script>', {}]
  for (const data of payloads) await api().trigger(orders.name, 'App\\Events\\Shipped', data)
  for (const data of payloads) assert.deepEqual(await orders.inbox.take(), ['App\\Events\\Shipped', data])

  // Events of one publisher come in their order, so what the second channel hears proves what the first one did not.
  const other = await subscribe(pusher, unique('other'))
  pusher.unsubscribe(orders.name)
  const again = await subscribe(pusher, unique('again')) // answered after the unsubscription was handled
  await api().trigger(orders.name, 'late', {})
  await api().trigger(other.name, 'fence', {})
  assert.deepEqual(await other.inbox.take(), ['fence', {}])
  assert.deepEqual(orders.inbox.rest, [])
  assert.deepEqual(again.inbox.rest, [])

  const resubscribed = await subscribe(pusher, orders.name)
  await api().trigger(orders.name, 'early again', 1)
  assert.deepEqual(await resubscribed.inbox.take(), ['early again', 1])
  assert.deepEqual(pusher.errors, [])
})
