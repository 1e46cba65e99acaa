package apps

import (
	"time"

	"reverbd/apps/webhook"
)

// ClientEvents says which connections may send client events ("whispers").
// Source: Reverb's accept_client_events_from.
type ClientEvents string

// The values of accept_client_events_from. Anything else turns client events off, as in Reverb.
const (
	ClientEventsFromAll     ClientEvents = "all"     // any connection of the app, subscribed or not
	ClientEventsFromMembers ClientEvents = "members" // connections subscribed to the channel they whisper to
	ClientEventsFromPrivate ClientEvents = "private" // members, on private and presence channels alone; Pusher's rule, not in Reverb
	ClientEventsFromNone    ClientEvents = "none"    // no connection
)

// RateLimit bounds the messages of one connection: at most MaxAttempts within Decay, counted from the first message.
type RateLimit struct {
	Enabled          bool
	MaxAttempts      int
	Decay            time.Duration
	TerminateOnLimit bool // close with 4301 after the error event
}

// Limits bound what one request, one connection and one presence channel may ask for. 0 is no limit. Reverb has none of them.
type Limits struct {
	ChannelsPerEvent int // that one published event goes to
	EventsPerBatch   int
	EventName        int // bytes
	EventData        int // bytes, as the raw JSON string
	Subscriptions    int // of one connection
	Members          int // users of one presence channel, as this node knows them
	UserInfo         int // bytes of the user_info of a member
}

// Settings are what an operator configures for one application, with Reverb's names and defaults.
// They never change once an App is built from them.
type Settings struct {
	ID, Key, Secret        string
	PreviousSecret         string        // verifies as Secret does, and never signs; "" for none
	CheckAuthKey           bool          // the key in signatures of clients and of the API must be Key
	Disabled               bool          // no connection is accepted and no event published
	AllowedOrigins         []string      // patterns of hosts or of whole origins: see originPattern
	PingInterval           time.Duration // idle time after which the server pings
	ActivityTimeout        time.Duration // sent to clients; the time within which a ping must be answered
	MaxConnections         int           // on this node; 0 is no limit
	MaxMessageSize         int           // bytes of one client message; 0 is no limit
	AcceptClientEventsFrom ClientEvents
	RateLimit              RateLimit
	MaxEventsPerSecond     int           // published through the API of this node; 0 is no limit
	IdempotencyTTL         time.Duration // how long a publish with an idempotency key is remembered
	RequireSignIn          time.Duration // within which a client must sign in, or subscribe to a private or presence channel; 0: it need not
	SubscriptionCount      bool          // subscribers are told how many they are, presence channels excepted
	Limits                 Limits
	ErrorData              ErrorData
	Webhooks               []webhook.Hook // who is told what happens, each URL once
	SubscriptionError      bool           // a refused subscription is told on its channel too, by pusher:subscription_error
}

// ErrorData is the form of the data of a pusher:error event.
type ErrorData string

// The values of error_data. The zero value is an object.
const (
	ErrorDataObject ErrorData = "object" // as Pusher's protocol page has it: every client reads it
	ErrorDataString ErrorData = "string" // a JSON string, Reverb's bytes
)

// DefaultSettings are Reverb's defaults, without credentials. No Reverb app meets the limits: the server libraries for PHP,
// which Laravel's broadcaster uses, Node and Go send no event to more than 100 channels, and Pusher allows a connection 100 to 250
// subscriptions.
func DefaultSettings() Settings {
	return Settings{
		AllowedOrigins:         []string{"*"},
		PingInterval:           60 * time.Second,
		ActivityTimeout:        30 * time.Second,
		MaxMessageSize:         10_000,
		AcceptClientEventsFrom: ClientEventsFromMembers,
		RateLimit:              RateLimit{MaxAttempts: 60, Decay: 60 * time.Second},
		SubscriptionError:      true,
		IdempotencyTTL:         120 * time.Second,
		Limits:                 Limits{ChannelsPerEvent: 100, Subscriptions: 1000},
	}
}
