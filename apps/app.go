package apps

import (
	"reflect"
	"sync/atomic"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// App is one running application as it is configured now. It never changes: a reload puts another App in its place, which shares
// the channels and the count of connections with it. Safe for concurrent use.
type App struct {
	Settings
	Channels *broadcast.Directory

	origins origins
	tenancy *tenancy
	signers [broadcast.MaxLoops]*pusher.Signer // by loop, which owns it; nil until it is needed
}

// tenancy is what the Apps that have followed each other share.
type tenancy struct {
	connections atomic.Int64
	latest      atomic.Pointer[App]
}

// newApp makes the first App of its line.
func newApp(s Settings, channels *broadcast.Directory) *App {
	a := &App{Settings: s, Channels: channels, origins: newOrigins(s.AllowedOrigins), tenancy: &tenancy{}}
	a.tenancy.latest.Store(a)
	return a
}

// with returns a as the settings are now: a itself if they are the same.
func (a *App) with(s Settings) *App {
	if reflect.DeepEqual(a.Settings, s) {
		return a
	}
	return &App{Settings: s, Channels: a.Channels, origins: newOrigins(s.AllowedOrigins), tenancy: a.tenancy}
}

// latest is the App that a reload has put in the place of a, or a itself.
func (a *App) latest() *App { return a.tenancy.latest.Load() }

// signer returns what verifies requests on a loop, nil for none: then it is for this once.
func (a *App) signer(l *broadcast.Loop) *pusher.Signer {
	if l == nil {
		return pusher.NewSigner(a.Secret)
	}
	s := &a.signers[l.Index()]
	if *s == nil {
		*s = pusher.NewSigner(a.Secret)
	}
	return *s
}

// Connections is the number of established connections on this node, subscribed or not.
func (a *App) Connections() int { return int(a.tenancy.connections.Load()) }

// enter counts a connection in and reports whether the app has room for it.
func (a *App) enter() bool {
	if n := a.tenancy.connections.Add(1); a.MaxConnections > 0 && n > int64(a.MaxConnections) {
		a.leave()
		return false
	}
	return true
}

func (a *App) leave() { a.tenancy.connections.Add(-1) }
