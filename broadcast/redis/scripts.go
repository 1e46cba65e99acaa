package redis

import goredis "github.com/redis/go-redis/v9"

// The scripts decide what must be decided for all nodes at once. Each touches keys of one place of a Redis Cluster.

// rosterFunctions are the functions that the scripts on rosters share. Every change gives the roster the next version; a
// roster that is created begins with the time in microseconds as its version, which is above all versions of a former
// roster of the channel.
const rosterFunctions = `
local roster, here = KEYS[1], KEYS[2]
local channel, publish, head = ARGV[1], ARGV[2], ARGV[3]
local before = redis.call('HGET', roster, '')
if not before then
  local t = redis.call('TIME')
  before = string.format('%.0f', t[1] * 1000000 + t[2])
end
local version = tonumber(before)
local changes = {}
local function change(user, nodes, data)
  version = version + 1
  changes[#changes + 1] = #user .. ':' .. user .. nodes .. ':' .. #data .. ':' .. data
end
local function entry(user)
  local e = redis.call('HGET', roster, user)
  if e then
    local nodes, order, data = string.match(e, '^(%d+):(%d+):(.*)$')
    return tonumber(nodes), order, data
  end
end
local function join(user, data)
  local new = redis.call('SADD', here, user)
  local nodes, order, old = entry(user)
  if not nodes then
    change(user, 1, data)
    redis.call('HSET', roster, user, '1:' .. string.format('%.0f', version) .. ':' .. data)
  elseif new == 1 then
    change(user, nodes + 1, '')
    redis.call('HSET', roster, user, (nodes + 1) .. ':' .. order .. ':' .. old)
  elseif old ~= data then
    change(user, nodes, data)
    redis.call('HSET', roster, user, nodes .. ':' .. order .. ':' .. data)
  end
end
local function gone(user)
  local nodes, order, data = entry(user)
  if not nodes then return end
  if nodes > 1 then
    change(user, nodes - 1, '')
    redis.call('HSET', roster, user, (nodes - 1) .. ':' .. order .. ':' .. data)
  else
    change(user, 0, '')
    redis.call('HDEL', roster, user)
  end
end
local function finish()
  local now = string.format('%.0f', version)
  if #changes > 0 then
    redis.call('HSET', roster, '', now)
    redis.call(publish, channel, head .. before .. ':' .. now .. ':' .. table.concat(changes))
    if redis.call('HLEN', roster) == 1 then redis.call('DEL', roster) end
  end
  return now
end
`

// rosterScript applies an update of a node to the roster of one channel, and publishes the changes.
//
//	KEYS  roster, members, fence
//	ARGV  channel, PUBLISH or SPUBLISH, header of the message, "1" to be answered with the roster, number of joins,
//	user and channel_data of each join, the user of each leave
//
// It returns the version, the number of users that the node has there now, and the fields and values of the roster.
var rosterScript = goredis.NewScript(`
if redis.call('EXISTS', KEYS[3]) == 1 then return redis.error_reply('FENCED this node was declared dead') end
` + rosterFunctions + `
local at = 6
for _ = 1, tonumber(ARGV[5]) do
  join(ARGV[at], ARGV[at + 1])
  at = at + 2
end
for i = at, #ARGV do
  if redis.call('SREM', here, ARGV[i]) == 1 then gone(ARGV[i]) end
end
local now = finish()
local all = {}
if ARGV[4] == '1' then all = redis.call('HGETALL', roster) end
return {now, redis.call('SCARD', here), all}
`)

// removeScript removes up to 500 users of an evicted node from one channel, and sets the fence that refuses later updates
// of that node. It returns how many users remain.
//
//	KEYS  roster, members of the evicted node, fence
//	ARGV  channel, PUBLISH or SPUBLISH, header of the message
var removeScript = goredis.NewScript(`
redis.call('SET', KEYS[3], '1', 'EX', 86400)
` + rosterFunctions + `
for _, user in ipairs(redis.call('SPOP', here, 500)) do gone(user) end
finish()
return redis.call('SCARD', here)
`)

// cacheScript publishes an event of a cache channel and keeps it as the last one. It returns the offset of the event,
// which it also appends to the message as 20 digits.
//
//	KEYS  cached
//	ARGV  channel, PUBLISH or SPUBLISH, message, seconds to keep it
var cacheScript = goredis.NewScript(`
local order = redis.call('HGET', KEYS[1], 'n')
if not order then
  local t = redis.call('TIME')
  order = t[1] * 1000000 + t[2]
end
order = string.format('%.0f', order + 1)
redis.call('HSET', KEYS[1], 'n', order, 'e', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call(ARGV[2], ARGV[1], ARGV[3] .. string.rep('0', 20 - #order) .. order)
return order
`)

// heartbeatScript counts a heartbeat and returns all nodes with their counts.
//
//	KEYS  nodes, dead
//	ARGV  node
var heartbeatScript = goredis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('FENCED this node was declared dead') end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return redis.call('HGETALL', KEYS[1])
`)

// registerScript notes that a node has users on these presence channels, before it registers them.
//
//	KEYS  rooms, dead
//	ARGV  rooms
var registerScript = goredis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('FENCED this node was declared dead') end
for _, room in ipairs(ARGV) do redis.call('SADD', KEYS[1], room) end
return 1
`)

// claimScript declares a node dead if it has not sent a heartbeat since the given count, and returns 1 to the node that is
// to remove its users. The count "" is that of a node that has ended itself.
//
//	KEYS  nodes, dead, lock
//	ARGV  node, count, the node that evicts
var claimScript = goredis.NewScript(`
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], '1', 'EX', 86400)
if redis.call('SET', KEYS[3], ARGV[3], 'NX', 'EX', 10) then return 1 end
return 0
`)

var scripts = []*goredis.Script{rosterScript, removeScript, cacheScript, heartbeatScript, registerScript, claimScript}
