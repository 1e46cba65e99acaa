package broadcast

import "reverbd/protocol/pusher"

func memberAdded(channel string, data []byte) Frame {
	return SealText(pusher.AppendMemberAdded(TextBuffer(2*len(data)+len(channel)), channel, data))
}

func memberRemoved(channel string, id []byte) Frame {
	return SealText(pusher.AppendMemberRemoved(TextBuffer(2*len(id)+len(channel)), channel, id))
}

func cacheMiss(channel string) Frame {
	return SealText(pusher.AppendCacheMiss(TextBuffer(len(channel)), channel))
}

// subscriptionSucceeded is the reply to a subscriber of t. The stripe is locked.
func subscriptionSucceeded(t *Topic) Frame {
	if t.roster == nil {
		return SealText(pusher.AppendSubscriptionSucceeded(TextBuffer(len(t.Name)), t.Name))
	}
	size := len(t.Name)
	for m := range t.roster.all {
		size += 3*len(m.ID) + len(m.Info) + 8 // escaping adds a little more
	}
	return SealText(pusher.AppendPresenceSucceeded(TextBuffer(size), t.Name, len(t.roster.members), t.roster.all))
}
