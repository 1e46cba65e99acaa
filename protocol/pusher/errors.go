package pusher

import "strconv"

// Error is the code and text of a pusher:error event, and of the close frame behind it if the connection is closed.
// The errors below are Reverb's, to the letter. They are constants.
type Error struct {
	Code    int
	Message string
}

// The errors of the protocol. Those marked "closes" are followed by a close frame with the same code; after the others
// the connection goes on.
var (
	ErrUnknownApp      = &Error{4001, "Application does not exist"}                          // closes
	ErrDisabled        = &Error{4003, "Application disabled"}                                // closes; Pusher's, not in Reverb
	ErrOverQuota       = &Error{4004, "Application is over connection quota"}                // closes
	ErrOrigin          = &Error{4009, "Origin not allowed"}                                  // closes
	ErrUnauthorized    = &Error{4009, "Connection is unauthorized"}                          // signature wrong or missing
	ErrSignIn          = &Error{4009, "The sign-in is not authorized"}                       // closes; Pusher's, not in Reverb, as the next
	ErrSignInTimeout   = &Error{4009, "Connection not authorized within timeout."}           // closes
	ErrTerminated      = &Error{4009, "You got disconnected by the app."}                    // closes
	ErrReconnect       = &Error{4200, "The app asks you to connect again."}                  // closes
	ErrNoUserID        = &Error{4009, "Presence channels need channel_data with a user_id."} // not in Reverb
	ErrNotMember       = &Error{4009, "The client is not a member of the specified channel."}
	ErrOverCapacity    = &Error{4100, "Over capacity"} // a client event that could not be taken; not in Reverb
	ErrInvalidFormat   = &Error{4200, "Invalid message format"}
	ErrPongTimeout     = &Error{4201, "Pong reply not received in time"} // closes
	ErrClientEventsOff = &Error{4301, "The app does not have client messaging enabled."}
	ErrClientEventKind = &Error{4301, "Client events are only supported on private and presence channels."} // Pusher's rule; not in Reverb
	ErrWatchlist       = &Error{4302, "The watchlist has more than 100 users."}                             // Pusher's, not in Reverb
	ErrRateLimit       = &Error{4301, "Rate limit exceeded"}                                                // closes if the app has terminate_on_limit

	// Refused subscriptions of Settings.Limits of package apps; not in Reverb. The code makes no client connect anew.
	ErrSubscriptions = &Error{4301, "The connection has too many subscriptions"}
	ErrMembers       = &Error{4301, "The presence channel has too many members"}
	ErrUserInfo      = &Error{4301, "The user_info of the member is too large"}
)

// Close codes of this server beside those of the errors that close. What pusher-js does when it sees one (its core/connection/protocol/protocol.ts):
//
//	4000        tries again with TLS
//	4001-4099   gives up: no reconnect until the page asks for it
//	4100-4199   reconnects after a second
//	4200-4299   reconnects at once
//	4300-       gives up
//	1002-1004   reconnects after a second, and after 1002 or 1003 never uses this transport again on that page
//	other       reconnects after a second
const (
	CloseForbidden    = 4009 // terminated through the API
	CloseSlowConsumer = 4100
	CloseStopping     = 4100 // to a newcomer: at once it would come back to the same process
	CloseRestart      = 4200 // restart or shutdown: another node takes over
)

// Error returns the message with its code.
func (e *Error) Error() string { return "pusher error " + strconv.Itoa(e.Code) + ": " + e.Message }
