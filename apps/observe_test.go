package apps_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/apps/webhook"
	"reverbd/broadcast"
)

// activities is an Observer that writes down what sessions report.
type activities struct{ list []string }

func (o *activities) Observe(a broadcast.Activity) {
	switch a.Kind {
	case broadcast.ConnectionOpened:
		o.list = append(o.list, fmt.Sprint("opened ", a.App, " ", a.Socket != 0))
	case broadcast.ConnectionClosed:
		o.list = append(o.list, fmt.Sprintf("closed %d %q %v", a.Code, a.Reason, a.Age))
	case broadcast.ClientEvent:
		o.list = append(o.list, fmt.Sprintf("%s on %s by %q: %s", a.Name, a.Channel, a.User, a.Data))
	}
}

func hooked(kinds ...webhook.Kind) func(*apps.Settings) {
	return func(a *apps.Settings) {
		a.Webhooks = []webhook.Hook{{URL: "http://a.test", Events: webhook.SetOf(kinds...)}}
	}
}

// Sessions report connections and client events, if the app has a webhook for them.
func TestSessionsReport(t *testing.T) {
	o := &activities{}
	s := appstest.New(t, appstest.Options{Observer: o, Apps: []apps.Settings{
		appstest.App("x", hooked(webhook.ConnectionOpened, webhook.ConnectionClosed, webhook.ClientEvent)), appstest.App("quiet"),
	}})
	expect := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(o.list, want) {
			t.Errorf("%s: told %q, want %q", what, o.list, want)
		}
		o.list = nil
	}
	c := s.Connect("x")
	expect("a connection", "opened x-id true")
	c.Subscribe("x-secret", "presence-room", `{"user_id":7}`)
	c.Send(`{"event":"client-x","channel":"presence-room","data":{"a":1}}`)
	expect("a client event", `client-x on presence-room by "7": {"a":1}`)
	c.Send(`{"event":"client-x","channel":"elsewhere","data":{"a":1}}`)
	expect("one that is refused")
	s.Advance(59 * time.Second)
	c.Close(4009, "You got disconnected by the app.")
	expect("an end", `closed 4009 "You got disconnected by the app." 59s`)
	c = s.Connect("x")
	c.Drop()
	expect("an end without a word", "opened x-id true", `closed 1006 "" 0s`)

	c = s.Connect("quiet")
	c.Drop()
	expect("another app")
	replace(t, s, appstest.App("x"), appstest.App("quiet", hooked(webhook.ConnectionClosed)))
	s.Connect("x").Drop()
	s.Connect("quiet").Drop()
	expect("after a reload", `closed 1006 "" 0s`)
}
