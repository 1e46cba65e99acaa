package main

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"reverbd/cmd/reverbd/config"
	"reverbd/eventloop/certificate"
	"reverbd/eventloop/listen"
	"reverbd/eventloop/proxy"
)

// network is what the server listens with.
type network struct {
	listeners    []net.Listener
	names        []string            // of the listeners, by which a process that takes over knows them
	taken        []*net.UnixListener // inherited; their files belong to the process before until this one serves
	certificates *certificate.Source // nil when TLS is not spoken
	proxies      proxy.Trusted
}

// openNetwork opens what the configuration says, as far as it is not inherited from a server that is restarted. Sockets that
// systemd has opened take precedence over the configured addresses.
func openNetwork(conf config.Config, from *handover) (*network, error) {
	n := &network{}
	var err error
	if n.proxies, err = proxy.Parse(conf.TrustedProxies...); err != nil {
		return nil, err
	}
	if conf.TLS != nil {
		if n.certificates, err = certificate.Load(conf.TLS.Files); err != nil {
			return nil, err
		}
	}
	if err := n.listen(conf, from); err != nil {
		listen.Close(n.listeners)
		return nil, err
	}
	return n, nil
}

func (n *network) listen(conf config.Config, from *handover) error {
	if activated := from.activated(); len(activated) > 0 {
		for _, name := range activated {
			if _, err := n.takeOver(from, name); err != nil {
				return err
			}
		}
		return nil
	}
	activated, err := listen.Inherited(os.LookupEnv)
	if err != nil {
		return err
	}
	for i, l := range activated {
		n.add(l, activationPrefix+strconv.Itoa(i))
	}
	if len(activated) > 0 {
		return nil
	}
	for _, a := range conf.Endpoints() {
		for i, one := range a.Families() {
			if err := n.open(one, from); err != nil && (i == 0 || !listen.NoFamily(err)) {
				return err
			}
		}
	}
	return nil
}

// open takes the listener of the address over, or makes it.
func (n *network) open(a listen.Address, from *handover) error {
	if took, err := n.takeOver(from, a.String()); took || err != nil {
		return err
	}
	l, err := a.Open(context.Background())
	if err == nil {
		n.add(l, a.String())
	}
	return err
}

func (n *network) add(l net.Listener, name string) {
	n.listeners, n.names = append(n.listeners, l), append(n.names, name)
}

// takeOver takes the listener of that name, if it is inherited.
func (n *network) takeOver(from *handover, name string) (took bool, err error) {
	l, err := from.listener(name)
	if l == nil || err != nil {
		return false, err
	}
	if u, ok := l.(*net.UnixListener); ok && !strings.HasPrefix(name, activationPrefix) {
		n.taken = append(n.taken, u)
	}
	n.add(l, name)
	return true, nil
}

// serves is called when this process serves: from now on it removes the files of its unix sockets when it ends.
func (n *network) serves() {
	for _, u := range n.taken {
		u.SetUnlinkOnClose(true)
	}
}

// tls is nil when TLS is not spoken.
func (n *network) tls() *tls.Config {
	if n.certificates == nil {
		return nil
	}
	return n.certificates.Config()
}

// places returns the addresses that the server listens on, for the start line.
func (n *network) places(path string) string {
	return strings.Join(n.addresses(path), ", ")
}

// addresses returns where it listens, with the path behind TCP addresses.
func (n *network) addresses(path string) []string {
	places := make([]string, len(n.listeners))
	for i, l := range n.listeners {
		places[i] = l.Addr().String() + path
		if l.Addr().Network() == "unix" {
			places[i] = "unix:" + l.Addr().String()
		}
	}
	return places
}

// renewInterval is the time between two checks of the certificate's files.
const renewInterval = 10 * time.Second

// renew reads the certificate again whenever its files have changed, until ctx is done.
func (n *network) renew(ctx context.Context, log *zap.Logger) {
	if n.certificates == nil {
		return
	}
	look := time.NewTicker(renewInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if changed, err := n.certificates.Renew(); err != nil {
			log.Error("the certificate has changed and cannot be used; the one before stays", zap.Error(err))
		} else if changed {
			log.Info("the certificate has changed and is used from now on")
		}
	}
}
