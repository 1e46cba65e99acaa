// Package apps is what reverbd does for one application: who may connect, what a client may say, and what its
// servers may ask.
//
// A Registry holds the applications; a Session is the Pusher state machine of one client, with no socket in it;
// API is the Pusher HTTP API as an ordinary http.Handler. All three speak to the subscription table of package
// broadcast, and none knows how bytes travel. What they answer is Laravel Reverb's wire behaviour, refusals made
// real: https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/
package apps
