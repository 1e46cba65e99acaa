package config_test

import (
	"reflect"
	"strings"
	"testing"

	"reverbd/apps/webhook"
)

func TestWebhooks(t *testing.T) {
	tests := []struct {
		name string
		in   sources
		want []webhook.Hook
	}{
		{"none", dotenv(""), nil},
		{"null", app("webhooks: null"), nil},
		{"PHP's empty array", app("webhooks: []"), nil},
		{"of the environment", dotenv("REVERB_APP_WEBHOOK_URL=https://a.test/hook"), []webhook.Hook{{URL: "https://a.test/hook", Events: webhook.Pushers}}},
		{"empty in the environment", dotenv("REVERB_APP_WEBHOOK_URL="), nil},
		{"all of the environment", dotenv("REVERB_APP_WEBHOOK_URL=http://a.test\nREVERB_APP_WEBHOOK_EVENTS=\"member_added, connection_closed\"\nREVERB_APP_WEBHOOK_CHANNELS=presence-*,private-x"),
			[]webhook.Hook{{URL: "http://a.test", Events: webhook.SetOf(webhook.MemberAdded, webhook.ConnectionClosed), Channels: []string{"presence-*", "private-x"}}}},
		{"of the file", app("webhooks: [{url: \"http://a.test\"}, {url: \"http://b.test\", events: [cache_miss], channels: cache-*, headers: {Authorization: Bearer x, X-N: 1}}]"),
			[]webhook.Hook{
				{URL: "http://a.test", Events: webhook.Pushers},
				{URL: "http://b.test", Events: webhook.SetOf(webhook.CacheMiss), Channels: []string{"cache-*"}, Headers: map[string]string{"Authorization": "Bearer x", "X-N": "1"}},
			}},
		{"PHP's array with names", app("webhooks: {one: {url: \"http://a.test\", headers: []}}"), []webhook.Hook{{URL: "http://a.test", Events: webhook.Pushers}}},
		{"the environment's in place of the file's", app("webhooks: [{url: \"http://a.test\"}]").with(map[string]string{"REVERB_APP_WEBHOOK_URL": "http://b.test"}),
			[]webhook.Hook{{URL: "http://b.test", Events: webhook.Pushers}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.mustLoad(t).Apps[0].Webhooks; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// Every mistake is told with its key, its place and the fix, and without a secret.
func TestWebhookMistakes(t *testing.T) {
	tests := []struct {
		name string
		in   sources
		want string
	}{
		{"no URL", dotenv("REVERB_APP_WEBHOOK_URL=a.test/hook"), `REVERB_APP_WEBHOOK_URL in .env, line 4: is not a URL that can be called; give one such as https://example.com/webhooks`},
		{"events without a URL", dotenv("REVERB_APP_WEBHOOK_EVENTS=cache_miss"), `REVERB_APP_WEBHOOK_EVENTS in .env, line 4: is set without REVERB_APP_WEBHOOK_URL; set that too, or remove this`},
		{"no such event", dotenv("REVERB_APP_WEBHOOK_URL=http://a.test\nREVERB_APP_WEBHOOK_EVENTS=member_joined"), `REVERB_APP_WEBHOOK_EVENTS in .env, line 5: "member_joined" is not an event; there are channel_occupied, `},
		{"a missing URL", app("webhooks: [{events: [cache_miss]}]"), `apps.apps[0].webhooks[0].url in c.yaml, line 6: is not a URL`},
		{"the same URL", app("webhooks: [{url: \"http://a.test\"}, {url: \"http://a.test\"}]"), `apps.apps[0].webhooks[1] in c.yaml, line 6: has the url of apps.apps[0].webhooks[0] in c.yaml, line 6; write one`},
		{"an unknown key", app("webhooks: [{urls: x}]"), `apps.apps[0].webhooks[0].urls in c.yaml, line 6: unknown key; did you mean url?`},
		{"one of our headers", app("webhooks: [{url: \"http://a.test\", headers: {x-pusher-key: x}}]"), `apps.apps[0].webhooks[0].headers.x-pusher-key in c.yaml, line 6: cannot be given: X-Pusher-Key is part of every webhook; remove it`},
		{"a text for a list", app("webhooks: http"), `apps.apps[0].webhooks in c.yaml, line 6: is not a list; write each as an element with channels, events, headers, url`},
		{"no events", app("webhooks: [{url: \"http://a.test\", events: []}]"), `apps.apps[0].webhooks[0].events in c.yaml, line 6: is empty; give some of channel_occupied`},
		{"no channels", app("webhooks: [{url: \"http://a.test\", channels: \"\"}]"), `apps.apps[0].webhooks[0].channels in c.yaml, line 6: is empty; give channels such as presence-*, or remove it for all`},
		{"no state directory", dotenv("REVERB_STATE_DIR=/does/not/exist"), `REVERB_STATE_DIR in .env, line 4: "/does/not/exist" is not a directory that can be used; make one that the server may write to`},
		{"no CA file", dotenv("REVERB_WEBHOOK_CA_FILE=none.pem"), `REVERB_WEBHOOK_CA_FILE in .env, line 4: cannot read "none.pem": no such file or directory; name a PEM file`},
		{"nothing in the CA file", sources{files: map[string]string{".env": credentials + "REVERB_WEBHOOK_CA_FILE=ca.pem", "ca.pem": "x"}}, `"ca.pem" has no certificate in it`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.in.load(t); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestStateDir(t *testing.T) {
	dir := t.TempDir()
	if got := dotenv("REVERB_STATE_DIR=" + dir).mustLoad(t).StateDir; got != dir {
		t.Errorf("got %q", got)
	}
	if got := dotenv("").mustLoad(t).StateDir; got != "" {
		t.Errorf("without one: %q", got)
	}
}
