// The server library checks webhooks that the server under test sends to WEBHOOK_PORT.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { api, connect, host, subscribe } from '../lib/reverbd.js'
import { atEnd, scenario, unique } from '../lib/scenario.js'

scenario(async () => {
  const seen = []
  let arrived = () => {}
  const receiver = createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const webhook = api().webhook({ headers: request.headers, rawBody: Buffer.concat(parts).toString() })
      assert.ok(webhook.isValid(), `${JSON.stringify(request.headers)} ${Buffer.concat(parts)}`)
      assert.ok(!api({ secret: 'other' }).webhook({ headers: request.headers, rawBody: webhook.body }).isValid())
      assert.ok(Math.abs(webhook.getTime() - new Date()) < 60_000)
      seen.push(...webhook.getEvents())
      response.end()
      arrived()
    })
  })
  await new Promise((done) => receiver.listen(Number(process.env.WEBHOOK_PORT), host, done))
  atEnd(() => receiver.close())

  const room = unique('presence-room')
  const pusher = await connect({ user: { user_id: 'é"1"', user_info: {} } })
  const channel = await subscribe(pusher, room)
  channel.trigger('client-typing', { text: '<&>"\u2028' })
  const find = async (name) => {
    for (;;) {
      const event = seen.find((e) => e.name === name && e.channel === room)
      if (event) return event
      await new Promise((done) => (arrived = done))
    }
  }
  assert.deepEqual(await find('channel_occupied'), { name: 'channel_occupied', channel: room })
  assert.deepEqual(await find('member_added'), { name: 'member_added', channel: room, user_id: 'é"1"' })
  const { data, ...rest } = await find('client_event')
  assert.deepEqual(rest, {
    name: 'client_event', channel: room, event: 'client-typing', socket_id: pusher.connection.socket_id, user_id: 'é"1"',
  })
  assert.deepEqual(JSON.parse(data), { text: '<&>"\u2028' })
  pusher.unsubscribe(room)
  assert.deepEqual(await find('member_removed'), { name: 'member_removed', channel: room, user_id: 'é"1"' })
  assert.deepEqual(await find('channel_vacated'), { name: 'channel_vacated', channel: room })
})
