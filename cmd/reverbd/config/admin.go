package config

import (
	"net/netip"
	"time"

	"reverbd/eventloop/listen"
)

// Admin is the address on which the server shows what it does.
type Admin struct {
	Listen     *listen.Address // nil: there is none
	AnyPort    bool            // where the port of Listen is taken, any other will do
	Password   string          // asked for; "" asks for none
	Pprof      bool            // profiles of the process are served there
	ReadyRedis time.Duration   // how long Redis may be lost until /ready answers 503; 0 is for ever
}

const (
	defaultReadyRedis = 30 * time.Second
	devAdminPort      = 9601
)

func (l *loader) admin(dev bool) Admin {
	a := Admin{
		Pprof:      l.boolean(setting{"pprof", "REVERB_PPROF", "servers.reverb.pprof"}, false),
		ReadyRedis: l.seconds(setting{"ready-redis", "REVERB_READY_REDIS", "servers.reverb.ready_redis"}, defaultReadyRedis, 0),
	}
	password, _ := l.find(setting{"", "REVERB_ADMIN_PASSWORD", "servers.reverb.admin_password"})
	a.Password = password.text
	v, ok := l.find(setting{"admin-listen", "REVERB_ADMIN_LISTEN", "servers.reverb.admin_listen"})
	switch {
	case !ok && dev:
		a.Listen, a.AnyPort = &listen.Address{Host: "127.0.0.1", Port: devAdminPort}, true
	case v.text == "": // not set, or turned off
	default:
		l.adminAddress(v, &a)
	}
	return a
}

func (l *loader) adminAddress(v value, a *Admin) {
	address, err := listen.Parse(v.text)
	l.check(v, quoting(v, err))
	if err != nil {
		return
	}
	if a.Password == "" && address.Path == "" && !isLoopback(address.Host) {
		l.problem(v.from, "%s can be reached from other machines and has no password; set REVERB_ADMIN_PASSWORD, or give a loopback address "+
			"or a unix socket, such as 127.0.0.1:%d", v.shown(), devAdminPort)
	}
	a.Listen = &address
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
