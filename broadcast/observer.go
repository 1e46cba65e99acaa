package broadcast

import (
	"time"

	"reverbd/protocol/pusher"
)

// ActivityKind is what an Activity is about.
type ActivityKind uint8

// The kinds, those of channels and members as this node sees them: on one of several nodes others may have subscribers too.
const (
	ChannelOccupied   ActivityKind = iota // a channel has its first subscriber here, or one that waits to be answered
	ChannelVacated                        // and has lost its last one
	MemberAdded                           // a user has come to a presence channel, with his first connection here
	MemberRemoved                         // and has left it with the last one
	ClientEvent                           // a client event was passed on
	CacheMiss                             // a subscriber of a cache channel was told that there is no last event
	SubscriptionCount                     // the number of subscribers of a channel, presence channels excepted, has changed here
	ConnectionOpened
	ConnectionClosed

	Subscribed   // a connection was let into a channel
	Unsubscribed // at its wish
	Published    // an event of the API was accepted
	Refused      // a connection or a message of one
	Answered     // a request to the API

	ActivityKinds // how many there are
)

// AllActivities is the set of all kinds.
const AllActivities = Activities(1)<<ActivityKinds - 1

// Activity is one thing that has happened to an app's channels or connections. Which fields it has depends on its kind. Name and Data
// belong to whoever reports it.
type Activity struct {
	Kind    ActivityKind
	App     string
	Channel string // all but those of connections
	User    string // the user id of a member, or of who sent a client event

	Socket     pusher.SocketID // client events and connections
	Name, Data []byte          // of a client event, Data is raw JSON; of an event of the API, Data is the whole message; of an answer, Name is the request
	Count      int             // of subscribers

	Code   int    // of a connection's end, 1006 without a close frame; of a refusal, Pusher's; of an answer, the HTTP status
	Reason string // of an end, a refusal or an error, and for the latter two what to do about it
	Client string // address of the client
	Age    time.Duration
}

// Observer is told of activities. Observe is called from all loops at once, and for channels and members with a stripe held, in the order
// in which they change: it must neither block nor call back.
type Observer interface{ Observe(a Activity) }

// Activities is a set of kinds.
type Activities uint32

// Has reports whether the set has the kind.
func (s Activities) Has(k ActivityKind) bool { return s>>k&1 != 0 }

// Report says which activities of the app the Hub's Observer is told of from now on; none at first. What nobody is told of costs one
// comparison.
func (d *Directory) Report(kinds Activities) {
	if d.hub.observer == nil {
		kinds = 0
	}
	d.setReported(func(_, watched Activities) (Activities, Activities) { return kinds, watched })
}

// Watch says which activities the Hub's Watcher is told of from now on, as Report does for the Observer.
func (d *Directory) Watch(kinds Activities) {
	if d.hub.watcher == nil {
		kinds = 0
	}
	d.setReported(func(observed, _ Activities) (Activities, Activities) { return observed, kinds })
}

// setReported changes who is told of what. Both sets are in one word, so that it costs one comparison when there is nobody.
func (d *Directory) setReported(change func(observed, watched Activities) (Activities, Activities)) {
	for {
		old := d.reported.Load()
		observed, watched := change(Activities(old), Activities(old>>32))
		if d.reported.CompareAndSwap(old, uint64(observed)|uint64(watched)<<32) {
			return
		}
	}
}

// Reports reports whether anybody is told of the kind.
func (d *Directory) Reports(k ActivityKind) bool {
	r := d.reported.Load()
	return r != 0 && Activities(r|r>>32).Has(k)
}

// Observe tells those who are told of the kind.
func (d *Directory) Observe(a Activity) {
	r := d.reported.Load()
	a.App = d.App
	if Activities(r).Has(a.Kind) {
		d.hub.observer.Observe(a)
	}
	if Activities(r >> 32).Has(a.Kind) {
		d.hub.watcher.Observe(a)
	}
}

// observeSubscribe tells that t is about to have its first subscriber, if it has none. The stripe is held.
func (d *Directory) observeSubscribe(t *Topic) {
	if d.Reports(ChannelOccupied) && !t.occupied && !t.Kind.IsOnline() {
		d.Observe(Activity{Kind: ChannelOccupied, Channel: t.Name})
	}
	t.occupied = true
}

// observeVacated tells that t has lost its last subscriber. The stripe is held.
func (d *Directory) observeVacated(t *Topic) {
	if d.Reports(ChannelVacated) && t.occupied && !t.Kind.IsOnline() {
		d.Observe(Activity{Kind: ChannelVacated, Channel: t.Name})
	}
	t.occupied = false
}

// observeCacheMiss tells that t has no last event for a subscriber. The stripe is held.
func (d *Directory) observeCacheMiss(t *Topic) {
	if d.Reports(CacheMiss) {
		d.Observe(Activity{Kind: CacheMiss, Channel: t.Name})
	}
}

// observeMember tells of a user who has come or left. The stripe is held.
func (d *Directory) observeMember(kind ActivityKind, t *Topic, user string) {
	if d.Reports(kind) && !t.Kind.IsOnline() {
		d.Observe(Activity{Kind: kind, Channel: t.Name, User: user})
	}
}

// observeCount tells how many subscribers t has. The stripe is held.
func (d *Directory) observeCount(t *Topic) {
	if d.Reports(SubscriptionCount) && t.roster == nil {
		d.Observe(Activity{Kind: SubscriptionCount, Channel: t.Name, Count: int(t.subscribers)})
	}
}

// Present calls f for everything that is here now, with a stripe held: ChannelOccupied for each channel that has subscribers, MemberAdded for each
// of its members, SubscriptionCount for channels that have none.
func (d *Directory) Present(f func(Activity)) {
	d.eachStripe(func(st *stripe) {
		for _, t := range st.topics {
			if t.wanted() && !t.Kind.IsOnline() {
				d.present(t, f)
			}
		}
	})
}

func (d *Directory) present(t *Topic, f func(Activity)) {
	f(Activity{Kind: ChannelOccupied, App: d.App, Channel: t.Name})
	if t.roster == nil {
		f(Activity{Kind: SubscriptionCount, App: d.App, Channel: t.Name, Count: int(t.subscribers)})
		return
	}
	for _, m := range t.roster.byKey {
		if len(m.local) > 0 {
			f(Activity{Kind: MemberAdded, App: d.App, Channel: t.Name, User: m.key})
		}
	}
}
