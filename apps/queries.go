package apps

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// attributes are the facts about channels that a request asks for.
type attributes struct{ occupied, users, subscriptions, cache bool }

func parseAttributes(list string) (a attributes) {
	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "occupied":
			a.occupied = true
		case "user_count":
			a.users = true
		case "subscription_count":
			a.subscriptions = true
		case "cache":
			a.cache = true
		}
	}
	return a
}

// appendInfo appends what a request asks about one channel, as a JSON object. Users are counted on presence channels alone,
// subscriptions on all others, and only an occupied channel has either.
func appendInfo(dst []byte, c broadcast.Channel, requested attributes) []byte {
	dst = append(dst, '{')
	start := len(dst)
	field := func(name string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
	}
	if requested.occupied {
		field(`"occupied":`)
		dst = strconv.AppendBool(dst, c.Occupied())
	}
	if c.Occupied() {
		if requested.users && c.Kind.IsPresence() {
			field(`"user_count":`)
			dst = strconv.AppendInt(dst, int64(c.Users), 10)
		}
		if requested.subscriptions && !c.Kind.IsPresence() {
			field(`"subscription_count":`)
			dst = strconv.AppendInt(dst, int64(c.Subscribers), 10)
		}
		if requested.cache && c.Last != nil {
			field(`"cache":`)
			dst = appendCached(dst, c)
		}
	}
	return append(dst, '}')
}

// appendCached appends the last event of a cache channel as Pusher describes it: its data, and the seconds that it is kept.
func appendCached(dst []byte, c broadcast.Channel) []byte {
	dst = append(dst, `{"data":`...)
	dst = append(dst, pusher.EventData(c.Last.Payload())...)
	dst = append(dst, `,"ttl":`...)
	dst = strconv.AppendInt(dst, int64((c.LastTTL+time.Second-1)/time.Second), 10)
	return append(dst, '}')
}

// up is GET /up.
func up(c *call) reply {
	if c.api.draining.Load() {
		return reply{status: http.StatusServiceUnavailable, body: []byte(`{"health":"stopping"}`)}
	}
	return ok([]byte(`{"health":"OK"}`))
}

// connections is GET /apps/{id}/connections.
func connections(c *call) reply {
	body := append([]byte(nil), `{"connections":`...)
	body = strconv.AppendInt(body, int64(c.app.Channels.Connections()), 10)
	return ok(append(body, '}'))
}

// channels is GET /apps/{id}/channels.
func channels(c *call) reply {
	requested := parseAttributes(c.query.Get("info"))
	body := append([]byte(nil), `{"channels":{`...)
	for i, ch := range c.app.Channels.Channels(c.query.Get("filter_by_prefix")) {
		if i > 0 {
			body = append(body, ',')
		}
		body = pusher.AppendString(body, ch.Name)
		body = append(body, ':')
		body = appendInfo(body, ch, requested)
	}
	return ok(append(body, "}}"...))
}

// channel is GET /apps/{id}/channels/{channel}.
func channel(c *call) reply {
	requested := parseAttributes(c.query.Get("info"))
	requested.occupied = true
	return ok(appendInfo(nil, c.app.Channels.Channel([]byte(c.parts[3])), requested))
}

// users is GET /apps/{id}/channels/{channel}/users.
func users(c *call) reply {
	name := []byte(c.parts[3])
	switch info := c.app.Channels.Channel(name); {
	case !info.Occupied():
		return reply{status: http.StatusNotFound, body: []byte("{}")}
	case !info.Kind.IsPresence():
		return reply{status: http.StatusBadRequest, body: []byte("{}")}
	}
	body := append([]byte(nil), `{"users":[`...)
	for i, id := range c.app.Channels.Users(name) {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"id":`...)
		body = append(body, id...)
		body = append(body, '}')
	}
	return ok(append(body, "]}"...))
}

func parseUnix(s string) (time.Time, error) {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}, errors.New("apps: not a Unix time")
	}
	return time.Unix(seconds, 0), nil
}
