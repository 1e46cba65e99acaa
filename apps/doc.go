// Package apps holds the applications of a server: which connections each accepts, what its clients may send, and the
// HTTP API of its back ends.
//
// A Registry holds the applications; a Session is the Pusher state machine of one client, with no socket in it;
// API is the Pusher HTTP API as an ordinary http.Handler. All three use the subscription table of package
// broadcast, and none knows how bytes are transported. They behave on the wire as Laravel Reverb, except that a refused
// connection is closed: https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/
package apps
