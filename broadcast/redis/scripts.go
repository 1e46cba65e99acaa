package redis

import goredis "github.com/redis/go-redis/v9"

// The scripts decide what must be decided for all nodes at once. Each touches keys of one place of a Redis Cluster.

// rosterFunctions are the functions that the scripts on rosters share. Every change gives the roster the next version; a
// roster that is created begins with the time in microseconds as its version, which is above all versions of a former
// roster of the channel.
const rosterFunctions = `
local roster, here = KEYS[1], KEYS[2]
local channel, publish, head = ARGV[2], ARGV[3], ARGV[4]
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
local function join(user, data, new)
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

// fenced is what a script of a node begins with: a node that was declared dead, and a command that has been under way for so long
// that nobody may remember that any longer, change nothing. ARGV[1] is the last second, by the clock of Redis, in which the command counts.
func fenced(key string) string {
	return `
if redis.call('EXISTS', ` + key + `) == 1 or tonumber(redis.call('TIME')[1]) > tonumber(ARGV[1]) then
  return redis.error_reply('FENCED this node was declared dead')
end
`
}

// rosterScript tells of a node's members on one channel.
//
//	KEYS  roster, members, fence
//	ARGV  second, channel, PUBLISH or SPUBLISH, head of the message, "1" to be answered with the roster, number of joins,
//	      user and channel_data of each join, the user of each leave
//
// It returns the version, how many users the node has there now, the roster's fields and values, and why Redis does not take the joins
// and the leaves, "" if it does. Redis refuses at the first command that changes something or at none: out of memory it is SADD, but not
// SREM, nor anything behind that.
var rosterScript = goredis.NewScript(fenced("KEYS[3]") + rosterFunctions + `
local noJoins, noLeaves, at = '', '', 7
for _ = 1, tonumber(ARGV[6]) do
  local new = redis.pcall('SADD', here, ARGV[at])
  if type(new) == 'table' then noJoins = new.err else join(ARGV[at], ARGV[at + 1], new) end
  at = at + 2
end
for i = at, #ARGV do
  local old = redis.pcall('SREM', here, ARGV[i])
  if type(old) == 'table' then noLeaves = old.err elseif old == 1 then gone(ARGV[i]) end
end
local now = finish()
local all = {}
if ARGV[5] == '1' then all = redis.call('HGETALL', roster) end
return {now, redis.call('SCARD', here), all, noJoins, noLeaves}
`)

// fenceTime is how long it is remembered that a node was declared dead, in seconds. A command of a node counts for commandTime seconds after
// its last heartbeat; in a cluster, the clocks of the servers may differ by the rest.
const (
	fenceTime   = 300
	commandTime = 60
)

// removeScript takes up to 500 users of a dead node off one channel, and keeps that node from coming back to it. It returns how many are
// left. It begins with SPOP, which a full Redis does not refuse, nor then what frees memory.
//
//	KEYS  roster, members of the dead node, fence
//	ARGV  seconds to keep the fence, channel, PUBLISH or SPUBLISH, head of the message
var removeScript = goredis.NewScript(`
local users = redis.call('SPOP', KEYS[2], 500)
redis.call('SET', KEYS[3], '1', 'EX', ARGV[1])
` + rosterFunctions + `
for _, user in ipairs(users) do gone(user) end
finish()
return redis.call('SCARD', here)
`)

// cacheScript publishes an event of a cache channel and keeps it. It returns the event's place among all of the channel, which it
// also puts behind the message, as 20 digits. It returns 0 for an event that it has published before, and for one that Redis cannot
// keep: that one is published as a plain event.
//
//	KEYS  cached: "n" the offset, "e" the message, and for each process that published "o" and its name, to the number of its last
//	ARGV  channel, PUBLISH or SPUBLISH, message, seconds to keep it, process, number
//
// Where Redis is full it refuses HSET, but not DEL, nor the HSET behind it: the new event takes the place of the old one.
var cacheScript = goredis.NewScript(`
local key, message, process = KEYS[1], ARGV[3], 'o' .. ARGV[5]
local function plain()
  redis.call(ARGV[2], ARGV[1], string.sub(message, 1, 4) .. 'e' .. string.sub(message, 6))
  return '0'
end
local known = redis.pcall('HMGET', key, 'n', process)
if known.err then return plain() end
local order, last = known[1], known[2]
if last and tonumber(last) >= tonumber(ARGV[6]) then return '0' end
if not order then
  local t = redis.call('TIME')
  order = t[1] * 1000000 + t[2]
elseif not last and redis.call('HLEN', key) > 100 then
  redis.call('DEL', key)
end
order = string.format('%.0f', order + 1)
local function keep() return redis.pcall('HSET', key, 'n', order, 'e', message, process, ARGV[6]) end
local kept = keep()
if type(kept) == 'table' and known[1] and type(redis.pcall('DEL', key)) ~= 'table' then kept = keep() end
if type(kept) == 'table' then return plain() end
redis.call('EXPIRE', key, ARGV[4])
redis.call(ARGV[2], ARGV[1], message .. string.rep('0', 20 - #order) .. order)
return order
`)

// heartbeatScript sends a heartbeat and returns the time in seconds, all nodes with the number of their heartbeats, and why Redis does not
// take the heartbeat, "" if it does. A full Redis refuses HINCRBY, but not HDEL, nor the HINCRBY behind it.
//
//	KEYS  nodes, dead
//	ARGV  second, node
var heartbeatScript = goredis.NewScript(fenced("KEYS[2]") + `
local taken, refusal = redis.pcall('HDEL', KEYS[1], ''), ''
if type(taken) == 'table' then refusal = taken.err else redis.call('HINCRBY', KEYS[1], ARGV[2], 1) end
return {tonumber(redis.call('TIME')[1]), redis.call('HGETALL', KEYS[1]), refusal}
`)

// registerScript notes that a node has members on these channels, before they are told of.
//
//	KEYS  rooms, dead
//	ARGV  second, rooms
var registerScript = goredis.NewScript(fenced("KEYS[2]") + `
for i = 2, #ARGV do redis.call('SADD', KEYS[1], ARGV[i]) end
return 1
`)

// claimScript declares a node dead that has sent no heartbeat since the count given, and returns 1 to the one who is to clean up
// after it. A count of "" is that of a node which has given itself up.
//
//	KEYS  nodes, dead, lock
//	ARGV  node, count, who claims it, seconds to remember it, seconds to keep the lock
var claimScript = goredis.NewScript(`
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], '')
redis.call('SET', KEYS[2], '1', 'EX', ARGV[4])
if redis.call('SET', KEYS[3], ARGV[3], 'NX', 'EX', ARGV[5]) then return 1 end
return 0
`)

var scripts = []*goredis.Script{
	rosterScript, removeScript, cacheScript, heartbeatScript, registerScript, claimScript,
	outboxScript, leaseScript, sealScript,
}
