package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"reverbd/cmd/reverbd/config"
	"reverbd/eventloop/listen"
	"reverbd/eventloop/proxy"
)

// healthTimeout is how long a server may take to answer /up.
const healthTimeout = 5 * time.Second

// healthCheckCommand is for images without a shell: it needs no control socket.
func healthCheckCommand(flags []cli.Flag) *cli.Command {
	return &cli.Command{
		Name: "healthcheck", Usage: "ask GET /up of the server that runs with this configuration; exit code 0 if it answers 200", Flags: flags,
		Action: func(c *cli.Context) error {
			dir, err := os.Getwd()
			if err != nil {
				return fmt.Errorf("finding the working directory: %w", err)
			}
			conf, err := config.Connectable(config.Given(c), os.LookupEnv, dir)
			if err != nil {
				return cli.Exit("the configuration does not say where the server is\n"+err.Error(), exitUsage)
			}
			ctx, cancel := context.WithTimeout(c.Context, healthTimeout)
			defer cancel()
			return checkHealth(ctx, conf)
		},
	}
}

// checkHealth asks /up at the first address where the server listens.
func checkHealth(ctx context.Context, conf config.Config) error {
	at := conf.Endpoints()[0]
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // is anybody there? Not: who?
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dialLocal(ctx, conf, at) },
	}
	scheme := "http"
	if conf.TLS != nil && at.Path == "" {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/up", nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("no answer of %s: %w", at, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1024))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", at, res.Status, body)
	}
	return err
}

// dialLocal connects to an address that a server on this machine listens on.
func dialLocal(ctx context.Context, conf config.Config, at listen.Address) (net.Conn, error) {
	var dialer net.Dialer
	if at.Path != "" {
		return dialer.DialContext(ctx, "unix", at.Path)
	}
	host := at.Host
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost" // both families
		if err == nil && ip.Is4() {
			host = "127.0.0.1"
		}
	}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(at.Port)))
	if err != nil || !conf.ProxyProtocol {
		return conn, err
	}
	return conn, introduce(conn, conf)
}

// introduce begins the connection as the server wants it of proxies, if this one seems to come from one.
func introduce(conn net.Conn, conf config.Config) error {
	trusted, err := proxy.Parse(conf.TrustedProxies...)
	if err != nil || !trusted.Peer(conn.LocalAddr()) {
		return err
	}
	_, err = io.Copy(conn, strings.NewReader("PROXY UNKNOWN\r\n"))
	return err
}
