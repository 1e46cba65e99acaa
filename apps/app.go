package apps

import (
	"sync/atomic"

	"reverbd/broadcast"
)

// App is one running application. Safe for concurrent use.
type App struct {
	Settings
	Channels *broadcast.Directory

	origins     origins
	connections atomic.Int64
}

// Connections is the number of established connections on this node, subscribed or not.
func (a *App) Connections() int { return int(a.connections.Load()) }

// enter counts a connection in and reports whether the app has room for it.
func (a *App) enter() bool {
	if n := a.connections.Add(1); a.MaxConnections > 0 && n > int64(a.MaxConnections) {
		a.connections.Add(-1)
		return false
	}
	return true
}

func (a *App) leave() { a.connections.Add(-1) }
