package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/proc"
	"reverbd/bench/internal/workers"
	"reverbd/protocol/pusher"
)

// preflight finds errors that would spoil the run, and says how to fix them.
func (r *run) preflight(ctx context.Context) error {
	if err := r.descriptors(); err != nil {
		return err
	}
	if _, err := proc.Read(r.options.ServerPIDs...); err != nil {
		return fmt.Errorf("bench: --server-pid: %w", err)
	}
	for i := range r.addresses {
		if err := r.tryClient(ctx, i); err != nil {
			return err
		}
	}
	if r.scenario.publishes {
		return r.tryAPI(ctx)
	}
	return nil
}

// spareDescriptors is how many descriptors a process needs beside its sockets.
const spareDescriptors = 64

// descriptors checks the descriptor limits of the load tester and of the server.
func (r *run) descriptors() error {
	limit, err := epoll.DescriptorLimit()
	if err != nil {
		return fmt.Errorf("bench: reading the descriptor limit: %w", err)
	}
	need := r.total() + r.options.Publishers + spareDescriptors
	if err := r.ownDescriptors(limit); err != nil {
		return err
	}
	for _, pid := range r.options.ServerPIDs {
		limit, err := proc.DescriptorLimit(pid)
		if err != nil {
			return fmt.Errorf("bench: --server-pid: %w", err)
		}
		if each := need / len(r.options.ServerPIDs); each > limit {
			return fmt.Errorf("bench: the server (process %d) may have %d descriptors, too few for %d connections: "+
				"start it with a higher limit (ulimit -n %d)", pid, limit, r.options.Connections, need)
		}
	}
	return nil
}

// ownDescriptors checks the limit of each client process.
func (r *run) ownDescriptors(limit int) error {
	spare := r.options.Publishers + spareDescriptors
	processes := max(1, r.options.Processes)
	need := (r.total()+processes-1)/processes + spare
	if need <= limit {
		return nil
	}
	advice := "or ask for fewer connections"
	if r.scenario.Shared() && limit > spare {
		advice = fmt.Sprintf("share them out among more processes (--processes %d), ", r.total()/(limit-spare)+1) + advice
	}
	whose := "this program"
	if processes > 1 {
		whose = fmt.Sprintf("each of %d client processes", processes)
	}
	return fmt.Errorf("bench: %d connections need %d descriptors, and %s may have %d: raise the limit (ulimit -n %[2]d), %[5]s",
		r.total(), need, whose, limit, advice)
}

// tryClient subscribes one client at the n-th node.
func (r *run) tryClient(ctx context.Context, n int) error {
	s, url := r.server(), r.options.URLs[n]
	layout := r.scenario.layout(r.options)
	layout.Channels, layout.Each = 1, 1
	fleet, err := client.New(client.Options{
		Servers: s.addresses[n : n+1], Sources: client.NewSources(s.addresses[n].Addr(), r.options.Sources), Upgrade: s.upgrade, Compressed: s.compress,
		Dialect: s.dialect(), Connections: 1, Room: r.room(s), Layout: layout, Streams: r.scenario.streams(r.options),
	})
	if err != nil {
		return err
	}
	m := &measurement{run: r, subject: s, fleet: workers.Local(fleet)}
	defer m.close()
	fleet.Connect(0)
	m.awaitFor(ctx, probeTime, "looking for the server", 1, func() (int, bool) {
		p := fleet.Progress()
		return p.Live, p.Live+p.Refused > 0
	})
	if fleet.Progress().Live == 1 || ctx.Err() != nil {
		return nil
	}
	reason := mostFrequent(fleet.Outcome().Refusals)
	switch {
	case reason == "":
		return fmt.Errorf("bench: %s does not answer within %v", url, probeTime)
	case contains(reason, unix.ECONNREFUSED.Error()):
		return fmt.Errorf("bench: nothing listens at %s: start the server first (reverbd --dev), or say where it is with --url", url)
	case contains(reason, pusher.ErrUnknownApp.Message):
		return fmt.Errorf("bench: %s has no app with the key %q: set --key", url, r.options.Key)
	case contains(reason, pusher.ErrUnauthorized.Message):
		return fmt.Errorf("bench: %s does not accept the signature for a private channel: set --secret to that of the key %q", url, r.options.Key)
	}
	if contains(reason, client.ErrNotCompressed.Error()) {
		return fmt.Errorf("bench: %s does not compress: start it with compression (reverbd --compression), or leave --compression out", url)
	}
	return fmt.Errorf("bench: a first client could not subscribe at %s: %s", url, reason)
}

// probeTime is how long one client or one request may take.
const probeTime = 5 * time.Second

// tryAPI makes one signed request that changes nothing.
func (r *run) tryAPI(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	path := "/apps/" + r.options.AppID + "/channels"
	query := pusher.SignQuery(r.options.Key, r.options.Secret, http.MethodGet, path, nil, nil, time.Now())
	url := fmt.Sprintf("http://%s%s%s?%s", r.target.Host, r.target.Prefix, path, query)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	request.Close = true // the connection must be gone when the measurement begins
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return fmt.Errorf("bench: the HTTP API does not answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized:
		return fmt.Errorf("bench: the HTTP API does not accept the signature: set --secret to that of the app %q (it says: %.80s)", r.options.AppID, body)
	case http.StatusNotFound:
		return fmt.Errorf("bench: the HTTP API knows no app with the id %q: set --app-id (it says: %.80s)", r.options.AppID, body)
	}
	return fmt.Errorf("bench: the HTTP API answers %s to a signed request: %.80s", answer.Status, body)
}
