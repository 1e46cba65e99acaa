package redis

import goredis "github.com/redis/go-redis/v9"

// The scripts decide what must be decided for all nodes at once. Each touches keys of one place of a Redis Cluster.

// rosterFunctions are what the scripts on rosters share. Every change of a roster has a version of its own, one above that before;
// a roster that is made anew begins at the time in microseconds, above all versions that it ever had.
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

// rosterScript tells of a node's members on one channel.
//
//	KEYS  roster, members, fence
//	ARGV  channel, PUBLISH or SPUBLISH, head of the message, "1" to be answered with the roster, number of joins,
//	      user and channel_data of each join, the user of each leave
//
// It returns the version, how many users the node has there now, and the roster's fields and values.
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

// removeScript takes up to 500 users of a dead node off one channel, and keeps that node from coming back to it. It returns how many are
// left.
//
//	KEYS  roster, members of the dead node, fence
//	ARGV  channel, PUBLISH or SPUBLISH, head of the message
var removeScript = goredis.NewScript(`
redis.call('SET', KEYS[3], '1', 'EX', 86400)
` + rosterFunctions + `
for _, user in ipairs(redis.call('SPOP', here, 500)) do gone(user) end
finish()
return redis.call('SCARD', here)
`)

// cacheScript publishes an event of a cache channel and keeps it. It returns the event's place among all of the channel, which it
// also puts behind the message, as 20 digits.
//
//	KEYS  last
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

// beatScript shows a sign of life and returns all nodes with how often each has shown one.
//
//	KEYS  nodes, dead
//	ARGV  node
var heartbeatScript = goredis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('FENCED this node was declared dead') end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return redis.call('HGETALL', KEYS[1])
`)

// roomsScript notes that a node has members on these channels, before they are told of.
//
//	KEYS  rooms, dead
//	ARGV  rooms
var registerScript = goredis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('FENCED this node was declared dead') end
for _, room in ipairs(ARGV) do redis.call('SADD', KEYS[1], room) end
return 1
`)

// claimScript declares a node dead that has not shown a sign of life since the count given, and returns 1 to the one who is to clean up
// after it. A count of "" is that of a node which has given itself up.
//
//	KEYS  nodes, dead, lock
//	ARGV  node, count, who claims it
var claimScript = goredis.NewScript(`
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], '1', 'EX', 86400)
if redis.call('SET', KEYS[3], ARGV[3], 'NX', 'EX', 10) then return 1 end
return 0
`)

var scripts = []*goredis.Script{rosterScript, removeScript, cacheScript, heartbeatScript, registerScript, claimScript}
