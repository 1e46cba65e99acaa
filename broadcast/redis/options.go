package redis

import "crypto/tls"

// Options say where Redis is and what the nodes share there.
type Options struct {
	// Channel begins the name of every key and every pub/sub channel, so that several installations can share one Redis. It
	// is Reverb's REVERB_SCALING_CHANNEL. Required.
	Channel string
	// QueueBytes bounds what waits to be published while Redis does not take it, in bytes; 0 is 32 MiB.
	QueueBytes int64

	// Addrs are host:port, or one path of a unix socket that begins with a slash: one server; with Master the Sentinels;
	// with Cluster some nodes of the cluster. Required.
	Addrs   []string
	Master  string // the name under which Sentinels know the server
	Cluster bool   // Redis Cluster, used with sharded pub/sub (Redis 7)
	DB      int    // for keys; pub/sub knows no databases. Not with Cluster

	Username, Password                 string
	SentinelUsername, SentinelPassword string

	TLS *tls.Config // nil: no TLS
}
