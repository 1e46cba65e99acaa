package apps

import (
	"net/http"
	"slices"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// The counters of this package in a broadcast.Tally. Those of groups follow: see Closings, Refusals and Answers.
const (
	MessagesIn   = broadcast.CountersAbove + iota // of clients, text and binary
	BytesIn                                       // payload of these
	EventsAPI                                     // events of POST /events, one for each channel
	EventsBatch                                   // of POST /batch_events
	EventsClient                                  // client events that were passed on
	Opened                                        // connections that were let in

	apiTimes     // a broadcast.Histogram
	firstClosing = apiTimes + broadcast.Counter(broadcast.HistogramSize)
	firstRefusal = firstClosing + broadcast.Counter(len(closings))
	firstAnswer  = firstRefusal + broadcast.Counter(len(refusals))
	end          = firstAnswer + broadcast.Counter(len(routes)*len(statuses))
)

var _ [broadcast.CounterCount - end]struct{} // there is room for all

// APITimes is how long requests to the API took, from the complete request to its response.
func APITimes(c *broadcast.Counters) broadcast.Histogram { return c.Histogram(apiTimes) }

// Group is a counter that has a value for each of some labels.
type Group struct {
	Labels []string // names of the labels
	first  broadcast.Counter
	values [][]string
}

// Each calls f with the values of the labels, and the count, of every counter of the group that is not 0.
func (g Group) Each(c *broadcast.Counters, f func(labels []string, n uint64)) {
	for i, values := range g.values {
		if n := c[int(g.first)+i]; n > 0 {
			f(values, n)
		}
	}
}

// closings are the ends of connections by close code; the last one stands for all others.
var closings = [...]struct {
	code         ws.StatusCode
	text, reason string
}{
	{1000, "1000", "normal"},
	{1001, "1001", "going_away"}, // Firefox, when the page is left
	{1002, "1002", "protocol_error"},
	{1005, "1005", "no_code"},
	{1006, "1006", "no_close_frame"},
	{1007, "1007", "invalid_utf8"},
	{1009, "1009", "too_large"},
	{4001, "4001", "unknown_app"},
	{4003, "4003", "disabled"},
	{4009, "4009", "terminated"},
	{4100, "4100", "slow_consumer"},
	{4200, "4200", "restart"},
	{4201, "4201", "pong_timeout"},
	{4301, "4301", "rate_limit"},
	{0, "other", "other"},
}

func closing(code ws.StatusCode) broadcast.Counter {
	for i := range closings {
		if closings[i].code == code {
			return firstClosing + broadcast.Counter(i)
		}
	}
	return firstClosing + broadcast.Counter(len(closings)-1)
}

// refusals are the errors that clients are sent; the last one stands for all others.
var refusals = [...]struct {
	err        *pusher.Error
	code, name string
}{
	{pusher.ErrUnknownApp, "4001", "unknown_app"},
	{pusher.ErrDisabled, "4003", "disabled"},
	{pusher.ErrOverQuota, "4004", "over_quota"},
	{pusher.ErrOrigin, "4009", "origin"},
	{pusher.ErrUnauthorized, "4009", "unauthorized"},
	{pusher.ErrNoUserID, "4009", "no_user_id"},
	{pusher.ErrNotMember, "4009", "not_member"},
	{pusher.ErrOverCapacity, "4100", "over_capacity"},
	{pusher.ErrInvalidFormat, "4200", "invalid_format"},
	{pusher.ErrClientEventsOff, "4301", "client_events_off"},
	{pusher.ErrClientEventKind, "4301", "client_event_kind"},
	{pusher.ErrRateLimit, "4301", "rate_limit"},
	{pusher.ErrSubscriptions, "4301", "subscriptions"},
	{pusher.ErrMembers, "4301", "members"},
	{pusher.ErrUserInfo, "4301", "user_info"},
	{nil, "other", "other"},
}

func refusal(e *pusher.Error) broadcast.Counter {
	for i := range refusals {
		if refusals[i].err == e {
			return firstRefusal + broadcast.Counter(i)
		}
	}
	return firstRefusal + broadcast.Counter(len(refusals)-1)
}

// routes are those of the API; the last one stands for what is none.
var routes = [...]string{"events", "batch_events", "connections", "channels", "channel", "users", "terminate_connections", "up", "other"}

// statuses are those that the API answers with; the last one stands for all others.
var statuses = [...]struct {
	code int
	text string
}{
	{http.StatusOK, "200"},
	{http.StatusBadRequest, "400"},
	{http.StatusUnauthorized, "401"},
	{http.StatusForbidden, "403"},
	{http.StatusNotFound, "404"},
	{http.StatusRequestEntityTooLarge, "413"},
	{http.StatusUnprocessableEntity, "422"},
	{http.StatusTooManyRequests, "429"},
	{http.StatusServiceUnavailable, "503"},
	{0, "other"},
}

// routeOf returns the index in routes of a path that has been split.
func routeOf(parts []string) int {
	name := ""
	switch {
	case len(parts) == 1, len(parts) == 3:
		name = parts[len(parts)-1]
	case len(parts) == 4:
		name = "channel"
	case len(parts) == 5:
		name = parts[4]
	}
	if i := slices.Index(routes[:], name); i >= 0 {
		return i
	}
	return len(routes) - 1
}

func answer(route, status int) broadcast.Counter {
	return firstAnswer + broadcast.Counter(route*len(statuses)+statusIndex(status))
}

func statusIndex(status int) int {
	for i := range statuses {
		if statuses[i].code == status {
			return i
		}
	}
	return len(statuses) - 1
}

// Closings are connections that have ended, by close code.
func Closings() Group {
	g := Group{Labels: []string{"code", "reason"}, first: firstClosing}
	for _, c := range closings {
		g.values = append(g.values, []string{c.text, c.reason})
	}
	return g
}

// Refusals are the errors that clients were sent.
func Refusals() Group {
	g := Group{Labels: []string{"code", "reason"}, first: firstRefusal}
	for _, r := range refusals {
		g.values = append(g.values, []string{r.code, r.name})
	}
	return g
}

// Answers are the responses of the API.
func Answers() Group {
	g := Group{Labels: []string{"route", "status"}, first: firstAnswer}
	for _, r := range routes {
		for _, s := range statuses {
			g.values = append(g.values, []string{r, s.text})
		}
	}
	return g
}
