package sysctl

import "fmt"

// checkRedis: without it a node still serves its own connections, so an outage must not keep it from starting.
func checkRedis(f Facts, _ Need) Finding {
	if !f.Redis.Configured {
		return Finding{}
	}
	found, level := f.Redis.Address+" answers", OK
	if f.Redis.Problem != "" {
		found, level = f.Redis.Address+": "+f.Redis.Problem, Warning
	}
	return finding("redis", level, found, "an answer", "nodes reach one another through it; without it each serves only its own connections",
		Fix{Say: "start Redis, or correct REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_USERNAME and REDIS_PASSWORD"})
}

// answers reports whether there is something to check about Redis.
func (r Redis) answers() bool { return r.Configured && r.Problem == "" }

func checkRedisClients(f Facts, _ Need) Finding {
	const check = "redis.maxclients"
	if !f.Redis.answers() {
		return Finding{}
	}
	r := f.Redis
	need := r.Own.plus(max(r.Clients, 0))
	why := fmt.Sprintf("%s connections of this node + %s that Redis has now", r.Own, r.Clients)
	if !r.MaxClients.Known() {
		return unknownFact(check, why)
	}
	return finding(check, levelOf(r.MaxClients < r.Own, r.MaxClients < need), r.MaxClients.String(), need.String(), why, configSet("maxclients", fmt.Sprint(int64(need.generous()))))
}

// configSet changes a setting of a Redis, wherever it runs, and has it write that into its file.
func configSet(name, value string) Fix {
	return Fix{Say: fmt.Sprintf("redis-cli CONFIG SET %s '%s' && redis-cli CONFIG REWRITE (with -h and -p of that Redis)", name, value)}
}

// Events of the largest size that may wait in Redis while a node is busy or the network is slow.
const (
	waitingEvents    = 1000
	waitingForAWhile = 250
)

func checkRedisBuffer(f Facts, n Need) Finding {
	const check = "redis.client-output-buffer-limit"
	if !f.Redis.answers() || n.LargestEvent <= 0 {
		return Finding{}
	}
	b := f.Redis.PubSub
	needHard, needSoft := n.LargestEvent.times(waitingEvents), n.LargestEvent.times(waitingForAWhile)
	why := fmt.Sprintf("%d events of %s while a node is busy, %d of them for as long as the soft limit allows; a node that is cut off misses "+
		"events", waitingEvents, n.LargestEvent.bytes(), waitingForAWhile)
	if !b.Hard.Known() || !b.Soft.Known() {
		return unknownFact(check, why)
	}
	hard, soft := unlimitedIfZero(b.Hard), unlimitedIfZero(b.Soft)
	value := fmt.Sprintf("pubsub %d %d %d", needHard.times(2), needSoft.times(2), max(b.Seconds, 60))
	return finding(check, levelOf(hard < n.LargestEvent, hard < needHard || soft < needSoft),
		fmt.Sprintf("pubsub: %s, or %s for %s s", hard.bytes(), soft.bytes(), max(b.Seconds, 0)),
		fmt.Sprintf("%s, or %s", needHard.bytes(), needSoft.bytes()), why,
		configSet("client-output-buffer-limit", value))
}

func unlimitedIfZero(n Number) Number {
	if n == 0 {
		return Unlimited
	}
	return n
}
