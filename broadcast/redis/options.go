package redis

import "crypto/tls"

// Options say where Redis is, and under which names the nodes share it.
type Options struct {
	// Channel is the prefix of every key and every pub/sub channel, so that several installations can share one Redis. It
	// is Reverb's REVERB_SCALING_CHANNEL. Required.
	Channel string
	// QueueBytes limits the bytes that wait to be published while Redis does not take them; 0 is 32 MiB.
	QueueBytes int64

	// Addrs are host:port, or the path of a unix socket, which begins with a slash: one server; with Master the Sentinels;
	// with Cluster some nodes of the cluster. Required.
	Addrs   []string
	Master  string // name of the master that the Sentinels monitor
	Cluster bool   // Redis Cluster, used with sharded pub/sub (Redis 7)
	DB      int    // database for keys; pub/sub has no databases. Not with Cluster

	Username, Password                 string
	SentinelUsername, SentinelPassword string

	TLS *tls.Config // nil: no TLS
}
