package redis

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// How long Redis may take to answer before it counts as lost.
const (
	dialTimeout    = 2 * time.Second
	commandTimeout = 2 * time.Second
)

// poolSize is the number of connections to a server that commands may need at once: events, rosters, heartbeats, queries
// and replies.
const poolSize = 8

// disableLibraryLog keeps go-redis from writing to standard error: what matters is also the error of a call.
var disableLibraryLog = sync.OnceFunc(func() { goredis.SetLogger(discardLogger{}) })

type discardLogger struct{}

func (discardLogger) Printf(context.Context, string, ...any) {}

// client is a go-redis client of one server, of one behind Sentinels, or of a cluster.
type client struct {
	goredis.UniversalClient
	cluster *goredis.ClusterClient // nil if it is none
}

// newClient does not connect. Retries are off: a command that fails halfway must be known to have failed, or an event
// would be published twice.
func newClient(o Options) client {
	disableLibraryLog()
	network := "tcp"
	if strings.HasPrefix(o.Addrs[0], "/") {
		network = "unix"
	}
	switch {
	case o.Cluster:
		c := goredis.NewClusterClient(&goredis.ClusterOptions{
			Addrs: o.Addrs, Username: o.Username, Password: o.Password, TLSConfig: o.TLS,
			Protocol: 2, MaxRedirects: 3, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true, PoolSize: poolSize, PipelinePoolSize: -1,
			DialTimeout: dialTimeout, ReadTimeout: commandTimeout, WriteTimeout: commandTimeout, ContextTimeoutEnabled: true,
		})
		return client{UniversalClient: c, cluster: c}
	case o.Master != "":
		return client{UniversalClient: goredis.NewFailoverClient(&goredis.FailoverOptions{
			MasterName: o.Master, SentinelAddrs: o.Addrs, SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
			Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
			Protocol: 2, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true, PoolSize: poolSize, PipelinePoolSize: -1,
			DialTimeout: dialTimeout, ReadTimeout: commandTimeout, WriteTimeout: commandTimeout, ContextTimeoutEnabled: true,
		})}
	}
	return client{UniversalClient: goredis.NewClient(&goredis.Options{
		Network: network, Addr: o.Addrs[0], Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLS,
		Protocol: 2, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true, PoolSize: poolSize, PipelinePoolSize: -1,
		DialTimeout: dialTimeout, ReadTimeout: commandTimeout, WriteTimeout: commandTimeout, ContextTimeoutEnabled: true,
	})}
}

// publishCommand is the command that publishes. In a cluster it is SPUBLISH: the event stays within the shard that has the
// channel.
func (c client) publishCommand() string {
	if c.cluster != nil {
		return "SPUBLISH"
	}
	return "PUBLISH"
}

// loadScripts loads all scripts on every server that may run them.
func (c client) loadScripts(ctx context.Context) error {
	load := func(ctx context.Context, s goredis.Scripter) error {
		for _, script := range scripts {
			if err := script.Load(ctx, s).Err(); err != nil {
				return err
			}
		}
		return nil
	}
	if c.cluster == nil {
		return load(ctx, c)
	}
	c.cluster.ReloadState(ctx)
	return c.cluster.ForEachMaster(ctx, func(ctx context.Context, m *goredis.Client) error { return load(ctx, m) })
}

// server names the server that has a channel, and opens a connection to it for pub/sub: channels of one server may share it.
func (c client) server(ctx context.Context, channel string) (name string, open func() *subscriber, err error) {
	if c.cluster == nil {
		single, ok := c.UniversalClient.(*goredis.Client)
		if !ok {
			return "", nil, errors.New("redis: a client of an unknown kind")
		}
		return "", func() *subscriber { return newSubscriber(ctx, single, (*goredis.Client).Subscribe) }, nil
	}
	m, err := c.cluster.MasterForKey(ctx, channel)
	if err != nil {
		return "", nil, err
	}
	return m.Options().Addr, func() *subscriber { return newSubscriber(ctx, m, (*goredis.Client).SSubscribe) }, nil
}

// subscriber is one connection for pub/sub, and no other after it: go-redis would open another one by itself and subscribe to all
// channels in one command, during which Redis serves nobody else, before it reports that the first is lost.
type subscriber struct {
	*goredis.PubSub
	client *goredis.Client // of this connection alone
}

var errConnectedBefore = errors.New("redis: the pub/sub connection is lost")

func newSubscriber(ctx context.Context, of *goredis.Client, open func(*goredis.Client, context.Context, ...string) *goredis.PubSub) *subscriber {
	o := *of.Options()
	dial, dialed := o.Dialer, new(atomic.Bool)
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialed.Swap(true) {
			return nil, errConnectedBefore
		}
		return dial(ctx, network, addr)
	}
	c := goredis.NewClient(&o)
	return &subscriber{open(c, ctx), c}
}

// Close ends the connection.
func (s *subscriber) Close() error { return errors.Join(s.PubSub.Close(), s.client.Close()) }

// unavailable reports whether err means that Redis cannot be used now: it cannot be reached, is loading or read-only, or
// the layout of the cluster has changed.
func unavailable(err error) bool {
	if err == nil || errors.Is(err, goredis.Nil) {
		return false
	}
	reply, ok := errors.AsType[goredis.Error](err)
	if !ok {
		return true
	}
	for _, prefix := range []string{
		"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "TRYAGAIN", "UNBLOCKED", "MOVED", "ASK ", "CROSSSLOT",
		"NOAUTH", "WRONGPASS", "FENCED", "BUSY",
	} {
		if strings.HasPrefix(reply.Error(), prefix) {
			return true
		}
	}
	return false
}

func isNoScript(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "NOSCRIPT")
}
