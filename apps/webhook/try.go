package webhook

import (
	"context"
	"net/http"
	"time"

	"reverbd/protocol/pusher"
)

// Example is an event of the kind as a receiver may get it.
func Example(k Kind, channel string, now time.Time) Event {
	e := Event{Kind: k, At: now, Channel: channel, Socket: pusher.NewSocketID()}
	switch k {
	case MemberAdded, MemberRemoved:
		e.User = "1"
	case ClientEvent:
		e.User, e.Name, e.Data = "1", "client-test", []byte(`{"test":true}`)
	case SubscriptionCount:
		e.Count = 1
	case ConnectionOpened:
		e.Channel = ""
	case ConnectionClosed:
		e.Channel, e.Code, e.Age = "", 1000, time.Minute
	}
	return e
}

// Try sends one event to a hook, once. It returns the body that was sent too, as it would be with the time of now.
func Try(ctx context.Context, c *http.Client, app *App, h *Hook, e Event) (sent []byte, a Answer, err error) {
	items := []*Item{{Text: e.Append(nil)}}
	a, err = attempt(ctx, c, app, h, &Batch{ID: newID(), Items: items})
	return appendBody(nil, items, time.Now()), a, err
}
