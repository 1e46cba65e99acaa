package apps

import (
	"reflect"
	"sync/atomic"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// App is one version of an application: its settings at one time. It never changes: a reload replaces it with another App, which
// shares its channels and its connection count. Safe for concurrent use.
type App struct {
	Settings
	Channels *broadcast.Directory

	origins origins
	state   *appState
	signers [broadcast.MaxLoops]*pusher.Signer // by loop, which owns it; nil until it is needed
}

// appState is what all versions of an application share: a reload replaces the App and keeps the appState.
type appState struct {
	connections atomic.Int64
	events      eventLimit
	latest      atomic.Pointer[App]
}

// newApp returns the first version of an application.
func newApp(s Settings, channels *broadcast.Directory) *App {
	a := &App{Settings: s, Channels: channels, origins: newOrigins(s.AllowedOrigins), state: &appState{}}
	a.state.latest.Store(a)
	return a
}

// with returns the version of a with these settings: a itself if they are the same.
func (a *App) with(s Settings) *App {
	if reflect.DeepEqual(a.Settings, s) {
		return a
	}
	return &App{Settings: s, Channels: a.Channels, origins: newOrigins(s.AllowedOrigins), state: a.state}
}

// latest returns the current version of the application, which may be a itself.
func (a *App) latest() *App { return a.state.latest.Load() }

// signer returns the Signer of a loop, which only that loop uses; a new one if l is nil.
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
func (a *App) Connections() int { return int(a.state.connections.Load()) }

// acquireConnection counts a connection in and reports whether the app has room for it.
func (a *App) acquireConnection() bool {
	if n := a.state.connections.Add(1); a.MaxConnections > 0 && n > int64(a.MaxConnections) {
		a.releaseConnection()
		return false
	}
	return true
}

func (a *App) releaseConnection() { a.state.connections.Add(-1) }
