// Package broadcast takes one published event to everyone who subscribed to its channel.
//
// An event is encoded once into a Frame, looked up once in the Directory of its app, and posted to the
// mailbox of each event loop that has subscribers. Every Loop then queues the frame on its own
// connections and writes whatever a connection has waiting with one system call. No lock is held
// while anything is written, and nothing is allocated per copy.
//
// Four rules keep that safe:
//
//   - The loop is the lock. A Loop's shard, its queues and its Subscribers are touched only by the goroutine
//     of that loop. Only Post, Publish, Deliver, Terminate and the queries are safe from elsewhere.
//   - A Frame never changes once it is built.
//   - A connection is dead from the first line of its close: Remove drops every reference, because its
//     descriptor may already be another client's.
//   - Stripe, then mailbox, and no other nesting of locks. Bells are rung after the stripe is released.
package broadcast
