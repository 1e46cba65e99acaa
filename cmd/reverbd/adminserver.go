package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"reverbd/cmd/reverbd/admin"
	"reverbd/cmd/reverbd/config"
)

// adminServer is the admin address of this process. A nil one is none.
type adminServer struct {
	server *admin.Server
	conf   config.Admin
	log    *zap.Logger

	mu     sync.Mutex
	closed bool
	url    string        // of the page; "" while it does not listen on TCP
	end    chan struct{} // closed by close
}

// In a restart the process before has the address until this one serves.
const (
	adminRetry   = 50 * time.Millisecond
	adminAnyPort = 5 * time.Second // after that any port will do, if any does
)

// openAdmin begins to serve the admin address, if there is one.
func (i *instance) openAdmin() error {
	if i.conf.Admin.Listen == nil {
		return nil
	}
	o := admin.Options{
		Version: version, Hub: i.hub, Registry: i.registry, Server: i.server, Draining: i.api.Draining, LogLost: i.output.lost,
		Webhooks: i.webhooks.dispatcher.Stats, Level: &i.level, Console: i.console, API: i.api, Prefix: i.conf.Path,
		Password: i.conf.Admin.Password, ReadyRedis: i.conf.Admin.ReadyRedis, Pprof: i.conf.Admin.Pprof, Log: i.log,
	}
	if i.others != nil {
		o.Redis = i.others.bus.Stats
	}
	a := &adminServer{server: admin.New(o), conf: i.conf.Admin, log: i.log, end: make(chan struct{})}
	i.admin = a
	if i.inherited != nil {
		go a.takeOver()
		return nil
	}
	l, err := a.listen(i.conf.Admin.AnyPort)
	if err != nil {
		return err
	}
	a.serve(l)
	return nil
}

// listen opens the address, or one with any port if that is taken and anyPort says so.
func (a *adminServer) listen(anyPort bool) (net.Listener, error) {
	l, err := a.conf.Listen.Open(context.Background())
	if err != nil && anyPort {
		other := *a.conf.Listen
		other.Port = 0
		return other.Open(context.Background())
	}
	return l, err
}

// takeOver waits for the process before to give the address up.
func (a *adminServer) takeOver() {
	each := time.NewTicker(adminRetry)
	defer each.Stop()
	begin := time.Now()
	for {
		l, err := a.listen(a.conf.AnyPort && time.Since(begin) > adminAnyPort)
		if err == nil {
			a.serve(l)
			return
		}
		select {
		case <-a.end:
			a.log.Error("the admin address was not served", zap.Error(err))
			return
		case <-each.C:
		}
	}
}

func (a *adminServer) serve(l net.Listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		_ = l.Close()
		return
	}
	if _, tcp := l.Addr().(*net.TCPAddr); tcp {
		a.url = "http://" + l.Addr().String() + "/"
	}
	a.log.Info("the admin address is served", zap.Stringer("address", l.Addr()))
	go func() {
		if err := a.server.Serve(l); err != nil && !errors.Is(err, net.ErrClosed) {
			a.log.Error("the admin address is not served any longer", zap.Error(err))
		}
	}()
}

// page is the URL of the page, "" if there is none.
func (a *adminServer) page() string {
	if a == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.url
}

// close gives the address up.
func (a *adminServer) close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	first := !a.closed
	a.closed = true
	a.mu.Unlock()
	if first {
		close(a.end)
		a.server.Close()
	}
}
