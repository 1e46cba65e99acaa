package webhook

import (
	"bytes"
	"time"

	"reverbd/broadcast"
)

// Reported is what has to be reported of an app that has these hooks.
func Reported(hooks []Hook) (reported broadcast.Activities) {
	for _, h := range hooks {
		reported |= broadcast.Activities(h.Events.withPartners())
	}
	if reported.Has(broadcast.SubscriptionCount) {
		reported |= 1<<broadcast.ChannelOccupied | 1<<broadcast.ChannelVacated // the first and the last of a channel, to a cluster
	}
	return reported
}

// Observe implements broadcast.Observer.
func (d *Dispatcher) Observe(a broadcast.Activity) {
	d.Push(a.App, eventOf(&a, time.Now()))
}

func eventOf(a *broadcast.Activity, at time.Time) Event {
	return Event{
		Kind: Kind(a.Kind), At: at, Channel: a.Channel, User: a.User, Socket: a.Socket,
		Name: string(a.Name), Data: bytes.Clone(a.Data), Count: a.Count, Code: a.Code, Reason: a.Reason, Age: a.Age,
	}
}
