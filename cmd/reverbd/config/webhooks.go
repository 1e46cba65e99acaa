package config

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"

	"reverbd/apps/webhook"
)

// Webhooks is how webhooks are sent. Which there are is a matter of each app.
type Webhooks struct {
	CAFile     string         // as it was given; "" is none
	Roots      *x509.CertPool // the system's and those of CAFile; nil is the system's alone
	QueueBytes int            // that may wait for each URL
	StateDir   string         // absolute, and there; "" is none
}

const defaultWebhookQueue = 16 << 20

func (l *loader) webhookOptions() Webhooks {
	w := Webhooks{
		QueueBytes: int(l.number(setting{"", "REVERB_WEBHOOK_QUEUE_BYTES", "servers.reverb.webhooks.queue_bytes"}, defaultWebhookQueue,
			limits{"a size in bytes", 64 << 10, maxSize})),
		StateDir: l.stateDir(setting{"state-dir", "REVERB_STATE_DIR", "servers.reverb.state_dir"}),
	}
	v, _ := l.find(setting{"", "REVERB_WEBHOOK_CA_FILE", "servers.reverb.webhooks.ca_file"})
	if w.CAFile = v.text; v.text != "" {
		w.Roots = l.webhookRoots(v)
	}
	return w
}

// webhookRoots adds the authorities of a file to those of the system.
func (l *loader) webhookRoots(v value) *x509.CertPool {
	text, err := l.read(v.text)
	if err != nil {
		l.unreadable(v, err, "name a PEM file with the certificate of whoever signed that of the receiver")
		return nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		l.problem(v.from, "%s has no certificate in it; name a PEM file with the certificate of whoever signed that of the receiver", v.shown())
	}
	return roots
}

func (l *loader) stateDir(s setting) string {
	v, _ := l.find(s)
	if v.text == "" {
		return ""
	}
	dir := v.text
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(l.dir, dir)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		l.problem(v.from, "%s is not a directory that can be used; make one that the server may write to", v.shown())
	}
	return dir
}

// webhooks are those of an app: the one of the REVERB_APP_WEBHOOK_* variables, or those of the file.
func (l *loader) webhooks(a appSource) (hooks []webhook.Hook) {
	url, has := l.given("REVERB_APP_WEBHOOK_URL")
	events, hasEvents := l.given("REVERB_APP_WEBHOOK_EVENTS")
	channels, hasChannels := l.given("REVERB_APP_WEBHOOK_CHANNELS")
	switch {
	case !a.env:
	case has:
		return []webhook.Hook{{URL: l.webhookURL(url), Events: l.webhookEvents(events, hasEvents), Channels: l.webhookChannels(channels, hasChannels)}}
	case hasEvents:
		l.problem(events.from, "is set without REVERB_APP_WEBHOOK_URL; set that too, or remove this")
	case hasChannels:
		l.problem(channels.from, "is set without REVERB_APP_WEBHOOK_URL; set that too, or remove this")
	}
	taken := make(map[string]origin)
	for _, at := range l.file.elements[a.file+".webhooks"] {
		h := l.webhook(at)
		if first, twice := taken[h.URL]; twice && h.URL != "" {
			l.problem(at, "has the url of %s; write one with the events and channels of both", first)
		}
		taken[h.URL] = at
		hooks = append(hooks, h)
	}
	return hooks
}

// webhook is one of the file.
func (l *loader) webhook(at origin) (h webhook.Hook) {
	url, has := l.file.values[at.key+".url"]
	if !has {
		url = value{from: at}
		url.from.key += ".url"
	}
	h.URL = l.webhookURL(url)
	events, has := l.file.values[at.key+".events"]
	h.Events = l.webhookEvents(events, has)
	channels, has := l.file.values[at.key+".channels"]
	h.Channels = l.webhookChannels(channels, has)
	for _, header := range l.file.texts[at.key+".headers"] {
		if err := webhook.CheckHeader(header.name, header.text); err != nil {
			l.check(header.value, err)
			continue
		}
		if h.Headers == nil {
			h.Headers = make(map[string]string)
		}
		h.Headers[header.name] = header.text
	}
	return h
}

func (l *loader) webhookURL(v value) string {
	url := strings.TrimSpace(v.text)
	l.check(v, webhook.CheckURL(url))
	return url
}

// webhookEvents reads names of events: Pusher's, where none are given.
func (l *loader) webhookEvents(v value, given bool) (events webhook.Kinds) {
	if !given {
		return webhook.Pushers
	}
	names := v.elements()
	if len(names) == 0 {
		l.problem(v.from, "is empty; give some of %s, or remove it", webhook.KindNames())
	}
	for _, name := range names {
		k, ok := webhook.ParseKind(name.text)
		if !ok {
			l.problem(name.from, "%s is not an event; there are %s", name.shown(), webhook.KindNames())
			continue
		}
		events |= webhook.SetOf(k)
	}
	return events
}

// webhookChannels reads patterns. No patterns at all are all channels.
func (l *loader) webhookChannels(v value, given bool) (patterns []string) {
	if !given {
		return nil
	}
	for _, p := range v.elements() {
		if p.text == "" {
			l.problem(p.from, "is an empty pattern, which matches nothing; give a channel, or * for all")
			continue
		}
		patterns = append(patterns, p.text)
	}
	if len(patterns) == 0 {
		l.problem(v.from, "is empty; give channels such as presence-*, or remove it for all")
	}
	return patterns
}
