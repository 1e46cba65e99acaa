// Package redis is the broadcast.Bus that connects nodes through Redis: one server, a server behind Sentinels, or a
// Redis Cluster (with sharded pub/sub, Redis 7).
//
// Each channel of an app has a pub/sub channel in Redis. A node is subscribed to those that it has subscribers of, and
// publishes events to the other nodes there. A presence channel has its roster in Redis, a cache channel its last event.
// The keys are in names.go, the scripts that change them in scripts.go.
//
// # Sessions
//
// A session (session.go) is the time between reaching Redis and losing it. To the other nodes each session is a node of
// its own, named after the process and the epoch, which is the number of the session in its process. A session first
// sends a heartbeat, subscribes to the control channels and says hello; then the hub marks all its channels as dirty,
// and the node subscribes to them and registers its users again. When that is done the session has caught up, and evicts
// the node of the previous session. A user who stays is on both nodes for a moment, so that nobody is seen leaving.
//
// When Redis is lost, the hub works on with the clients of this node. Messages wait in a queue with a limit; when it is
// full, publishing is refused. They are published once the processes that were there before have caught up too, or
// after peerWaitTimeout.
//
// # Subscriptions and syncs
//
// The hub marks a channel as dirty when its state has changed (Bus.MarkDirty). The subscription manager
// (subscriptions.go) works in rounds on all channels that are dirty: it subscribes to those that are wanted, and, for
// those that Redis has confirmed, takes the update and runs a sync (sync.go): one pipeline that applies the update to the
// roster and, if the channel is not in sync yet, reads the roster and the last event. Since the snapshot is read after
// SUBSCRIBE is confirmed, no message can be lost between the two; messages that are older than the snapshot are known by
// their version, offset or number, and dropped. A channel that is not wanted any longer stays subscribed for
// unsubscribeDelay.
//
// # Roster versions
//
// Every change of a roster raises its version by one. The script that makes the changes also publishes them, with the
// version before and after. A node that misses a version reads the whole roster again. A roster that is created begins
// with the time of the Redis server in microseconds, above all versions of a roster that was deleted before.
//
// # Event numbers and offsets
//
// An envelope (envelope.go) carries the id of its process, the origin, and a number that rises by one with each message
// of that process. A message that is not known to be published, since Redis refused it or was lost, is sent again with
// the same number; receivers keep a window of numbers for each origin and server (window.go), and deliver each number
// once. A batch is smaller than the window, and the next one is not sent before it is published. An event that Redis
// refuses while it takes a later one of the same channel is given up and counted: order is kept, not the event. Events of
// a cache channel also get an offset from Redis, which orders the events of all nodes on that channel: the event with the
// highest offset is the last one everywhere. The script that gives the offset knows the last number of each origin, so
// that an event which is sent again does not become the last one again.
//
// # Control messages
//
// Control messages (control.go) are JSON: hello and goodbye of a node, and queries and their replies. A query goes to the
// control channel that all nodes are subscribed to; each reply goes to the channel of the process that asked. A process
// that does not reply in time is suspected: queries do not wait for it until its next heartbeat.
//
// # Heartbeats, eviction and fencing
//
// Every node raises a counter in Redis each heartbeatInterval (heartbeat.go) and watches the counters of the others by
// its own clock. A node whose counter does not rise for leaseTimeout is evicted (evict.go): one node claims it, by a
// script that compares the counter, removes its users from all rosters in batches, on a goroutine of its own, and deletes
// its keys. A node that stops halfway is followed by another when its lock expires.
//
// An evicted node may still run. It is fenced: claiming it sets a key that makes its heartbeats and registrations fail,
// and each roster that it is removed from gets a key that makes its updates fail, with the error FENCED. Its session then
// ends, and the next one is another node. The keys expire after fenceTime. No command of the node can arrive later than
// that: each names the last second, by the clock of Redis, in which it counts, which is commandTime after a heartbeat.
//
// # What Redis refuses
//
// A Redis that is full (maxmemory, noeviction) or cannot write its disk (MISCONF) still publishes. So the scripts call
// what may be refused with pcall: heartbeats, leaves and evictions pass in a full Redis, since it allows what is behind a
// command that needs no memory; joins and the first event of a cache channel do not, and joins are told again every
// second. A refusal does not end a session; an error of the connection, and one that says that this is the wrong server
// (READONLY, MOVED, LOADING and others: see unavailable), does.
//
// # Outbox
//
// What is told to applications' servers (webhooks) goes through the outbox (outbox.go, outbox_read.go), if any are configured. A hash has, for each
// channel and member, the sum of what the nodes have of it, another one what a node has. The script that changes them adds an entry to the streams
// of those who are told, when a sum leaves or reaches nothing. A session begins with all that its node has; an eviction takes away what the dead
// node had. Each stream is read by the node that has its lease. What it sends is sealed as a batch under that lease, and removed when it is done with.
//
// # Lock order
//
// subscriptions.mu, then a stripe of the hub, then the dirty set (an inbox) or Outbox.mu. All other locks (queue, queries, peers,
// pubsubConns, inboxes) are taken with none of this package held, and no lock of this package is taken while they are
// held. No lock is held while waiting for Redis.
package redis
