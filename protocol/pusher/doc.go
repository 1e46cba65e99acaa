// Package pusher is the Pusher Channels protocol as values and pure functions: what a client's message says, what
// a channel's name means, how a reply is spelt, and whether a signature is right.
//
// Nothing here knows a socket, a clock or a logger, so every rule can be read and tested alone. Parsers alias
// their input and allocate nothing for an ordinary message; encoders append JSON text to the caller's buffer, to
// be framed by package ws. Every function is safe for concurrent use as long as nobody else touches its arguments.
//
// JSON is scanned by the few hundred lines of this package instead of encoding/json, because relaying needs the
// sender's bytes untouched (`{}` must not become `[]`, nor 1.0 become 1), no copies, and strict UTF-8.
//
// Behaviour is Laravel Reverb's (v1.10) unless a comment says otherwise; "Pusher" means the protocol's document,
// https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol.
package pusher
