// Package broadcast takes one published event to everyone who subscribed to its channel.
//
// An event is encoded once into a Frame, looked up once in the Directory of its app, and posted to the mailbox of each
// event loop that has subscribers. Each Loop queues the frame on its own connections and then writes all that waits for
// a connection with one system call. No lock is held while anything is written, and nothing is allocated per copy.
//
// # The parts
//
//   - A Hub is the loops of this node and a Directory for each app.
//   - A Topic is the state of one channel that all loops share: its subscriber count, which loops have subscribers, its
//     roster if it is a presence channel, its last event if it is a cache channel. Topics are spread over stripes, each
//     with a lock of its own.
//   - A shard is the subscription table of one loop: the subscribers of each topic. It needs no lock.
//   - A mailbox holds the jobs of one loop in order. Posting to the mailbox of an idle loop wakes the loop; Drain does
//     the jobs within a budget, so that reads and accepts are served in between.
//   - A walk is work on many connections of a loop, a step for each, which a Drain cuts off after a time (walk.go).
//   - A Bus connects the node with other nodes: package broadcast/redis, or nothing.
//
// # A subscribe on one of several nodes
//
// The reply to a subscribe promises that all later events arrive. Where there is a bus, the channel must therefore be
// in sync first: the node receives what other nodes publish, and has read a Snapshot of the roster and of the last
// event. Until then the subscription is pending (pending.go). It succeeds when the bus calls Directory.Synced, or on
// this node alone when the bus is lost or pendingTimeout has passed. The roster is then corrected with member events
// when the channel becomes synced.
//
// # Invariants
//
//   - The loop is the lock. The shard of a Loop, its queues and its Subscribers are touched only by the goroutine of
//     that loop. Only Post, Publish, Deliver, Command, Disconnect and the queries are safe on other goroutines.
//   - A Frame never changes once it is built.
//   - A connection is dead from the first line of its close: Remove drops every reference, because the descriptor of
//     the connection may already belong to another client.
//   - Lock order: a stripe, then a mailbox, the deadline queue or the dirty set of the bus. Nothing is locked after
//     those three, and no loop is woken while a stripe is locked.
//   - A stripe is unlocked by defer. A panic costs the connection or message that it concerns; it must not stop every
//     loop that comes to the stripe. The build tag faults injects such panics.
package broadcast
