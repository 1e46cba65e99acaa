// Echo on public channels: events by class name, by .name, all of them, no more of them, and leaving.
import assert from 'node:assert/strict'
import { api, echo, echoSubscribed } from '../lib/reverbd.js'
import { Inbox, scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const app = await echo()
  assert.equal(app.connectionStatus(), 'connected')
  assert.match(app.socketId(), /^\d+\.\d+$/)

  const name = unique('orders')
  const inbox = new Inbox()
  const orders = app.channel(name)
    .listen('OrderShipped', (e) => inbox.put('App\\Events\\OrderShipped', e))
    .listen('.order.paid', (e) => inbox.put('order.paid', e))
    .listen('.Other\\Name', (e) => inbox.put('Other\\Name', e))
  await echoSubscribed(orders)
  for (const event of ['App\\Events\\OrderShipped', 'order.paid', 'Other\\Name']) {
    await api().trigger(name, event, { order: { id: 7 } })
    assert.deepEqual(await inbox.take(), [event, { order: { id: 7 } }])
  }

  orders.stopListening('.order.paid')
  const all = new Inbox()
  orders.listenToAll((event, e) => all.put(event, e))
  await api().trigger(name, 'order.paid', 1)
  await api().trigger(name, 'App\\Events\\OrderShipped', 2)
  assert.deepEqual(await inbox.take(), ['App\\Events\\OrderShipped', 2])
  assert.deepEqual(await all.take(), ['.order.paid', 1])
  assert.deepEqual(await all.take(), ['OrderShipped', 2])

  app.leave(name)
  const fence = app.channel(unique('fence')).listen('.fence', () => inbox.put('fence'))
  await echoSubscribed(fence)
  await api().trigger(name, 'App\\Events\\OrderShipped', 3)
  await api().trigger(fence.name, 'fence', {})
  assert.deepEqual(await inbox.take(), ['fence'])
})
