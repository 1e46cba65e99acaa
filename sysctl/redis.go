package sysctl

// Redis is what the Redis that joins the nodes says about itself. The caller queries it: this package opens no connection.
type Redis struct {
	Configured bool
	Address    string
	Problem    string // why it cannot be reached; the rest is not known then

	Clients    Number // connections that it has now: connected_clients of INFO clients
	MaxClients Number // maxclients
	Own        Number // connections that this node will open to it
	PubSub     Buffer // client-output-buffer-limit pubsub
}

// Buffer is a limit on what waits for a subscriber: Redis ends its connection when Hard bytes wait, or more than Soft bytes for
// Seconds. 0 is no limit.
type Buffer struct{ Hard, Soft, Seconds Number }
