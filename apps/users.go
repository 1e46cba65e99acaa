package apps

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// userRoute reads /apps/{id}/users/{user} and /apps/{id}/users/{user}/{action}. Node's library does not encode the user: it is all between
// /users/ and the last action, slashes included, decoded where it can be. ok is false for another path.
func (c *call) userRoute() (method string, h handler, ok bool) {
	rest, ok := strings.CutPrefix(c.path, "/apps/")
	if !ok {
		return "", nil, false
	}
	app, user, ok := strings.Cut(rest, "/users/")
	if !ok || app == "" || strings.Contains(app, "/") {
		return "", nil, false
	}
	method, h = http.MethodGet, describeUser
	for suffix, action := range userActions {
		if before, found := strings.CutSuffix(user, suffix); found {
			user, method, h = before, http.MethodPost, action
			break // what is in front of the last action belongs to the user
		}
	}
	app, err := url.PathUnescape(app)
	if err != nil || user == "" {
		return "", nil, false
	}
	if decoded, err := url.PathUnescape(user); err == nil {
		user = decoded
	}
	c.parts = append(c.parts[:0], "apps", app, "users", user)
	return method, h, true
}

var userActions = map[string]handler{
	"/terminate_connections": command(broadcast.ActionTerminate),
	"/reconnect":             command(broadcast.ActionReconnect),
	"/unsubscribe":           unsubscribeUser,
}

// user is the user that the path names.
func (c *call) user() string { return c.parts[3] }

// command returns the handler that has all nodes do something to the connections of a user.
func command(action broadcast.Action) handler {
	return func(c *call) reply { return c.command(broadcast.Command{Action: action, User: c.user()}) }
}

func (c *call) command(command broadcast.Command) reply {
	if err := c.app.Channels.Command(command); err != nil {
		return c.failed(err)
	}
	return ok([]byte("{}"))
}

// unsubscribeUser is POST /apps/{id}/users/{user}/unsubscribe with {"channels":[...]}, names or patterns with stars.
func unsubscribeUser(c *call) reply {
	f, err := readFields(c.body)
	if err != nil {
		return badBody(err)
	}
	var b bag
	if blank(f.channels) {
		b.add(top("channels"), required)
		return b.reply()
	}
	elements, err := pusher.ArrayElements(f.channels)
	if err != nil {
		b.add(top("channels"), notArray)
		return b.reply()
	}
	command := broadcast.Command{Action: broadcast.ActionUnsubscribe, User: c.user()}
	for pattern, more := elements.Next(); more; pattern, more = elements.Next() {
		if b.string(field{"channels", -1, len(command.Channels)}, pattern) {
			command.Channels = append(command.Channels, string(decode(pattern)))
		}
	}
	if len(b) > 0 {
		return b.reply()
	}
	return c.command(command)
}

// describeUser is GET /apps/{id}/users/{user}.
func describeUser(c *call) reply {
	info := c.app.Channels.UserInfo(c.user())
	body := append([]byte(nil), `{"online":`...)
	body = strconv.AppendBool(body, info.Connections > 0)
	body = append(body, `,"connections":`...)
	body = strconv.AppendInt(body, int64(info.Connections), 10)
	body = append(body, `,"channels":[`...)
	for i, name := range info.Channels {
		if i > 0 {
			body = append(body, ',')
		}
		body = pusher.AppendString(body, name)
	}
	return ok(append(body, "]}"...))
}
