package apps_test

import (
	"slices"
	"strings"
	"testing"

	"reverbd/apps"
	"reverbd/apps/appstest"
)

// newServer has one app, x-id, x-key, x-secret.
func newServer(t testing.TB, change ...func(*apps.Settings)) *appstest.Server {
	t.Helper()
	return appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x", change...)}})
}

// asReverb tells clients what is refused as Reverb does: by the error alone.
func asReverb(s *apps.Settings) { s.SubscriptionError = false }

// wantTexts checks everything that a client has received since the last look.
func wantTexts(t *testing.T, name string, c *appstest.Client, want ...string) {
	t.Helper()
	if got := c.Received(); !slices.Equal(got, want) {
		t.Errorf("%s got\n\t%s\nwant\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantClosed checks the code that a client was closed with; 0 is not closed.
func wantClosed(t *testing.T, name string, c *appstest.Client, code int) {
	t.Helper()
	if got := int(c.Closed()); got != code {
		t.Errorf("%s was closed with %d %q, want %d", name, got, c.Reason(), code)
	}
}

func subscribe(channel string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `"}}`
}

func unsubscribe(channel string) string {
	return `{"event":"pusher:unsubscribe","data":{"channel":"` + channel + `"}}`
}

func succeeded(channel string) string {
	return `{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"` + channel + `"}`
}

// joined is the roster of a presence channel; members is `"ids":[...],"hash":{...}`.
func joined(channel, members string) string {
	return `{"event":"pusher_internal:subscription_succeeded","data":"{\"presence\":{` +
		strings.ReplaceAll(strings.ReplaceAll(members, `\`, `\\`), `"`, `\"`) + `}}","channel":"` + channel + `"}`
}

// internal is an event of the server itself with data in a string.
func internal(event, data, channel string) string {
	return `{"event":"` + event + `","data":"` + strings.ReplaceAll(strings.ReplaceAll(data, `\`, `\\`), `"`, `\"`) +
		`","channel":"` + channel + `"}`
}

const (
	invalidFormat = `{"event":"pusher:error","data":{"code":4200,"message":"Invalid message format"}}`
	unauthorized  = `{"event":"pusher:error","data":{"code":4009,"message":"Connection is unauthorized"}}`
	notMember     = `{"event":"pusher:error","data":{"code":4009,"message":"The client is not a member of the specified channel."}}`
	noUserID      = `{"event":"pusher:error","data":{"code":4009,"message":"Presence channels need channel_data with a user_id."}}`
	eventsOff     = `{"event":"pusher:error","data":{"code":4301,"message":"The app does not have client messaging enabled."}}`
	rateLimited   = `{"event":"pusher:error","data":{"code":4301,"message":"Rate limit exceeded"}}`
	unknownApp    = `{"event":"pusher:error","data":{"code":4001,"message":"Application does not exist"}}`
	overQuota     = `{"event":"pusher:error","data":{"code":4004,"message":"Application is over connection quota"}}`
	badOrigin     = `{"event":"pusher:error","data":{"code":4009,"message":"Origin not allowed"}}`
	pongTimeout   = `{"event":"pusher:error","data":{"code":4201,"message":"Pong reply not received in time"}}`
	pong          = `{"event":"pusher:pong"}`
	ping          = `{"event":"pusher:ping"}`
)

func cacheMiss(channel string) string {
	return `{"event":"pusher:cache_miss","channel":"` + channel + `"}`
}
