package broadcast

import "reverbd/protocol/pusher"

func memberAdded(channel string, data []byte) Frame {
	return SealText(pusher.AppendMemberAdded(TextBuffer(2*len(data)+len(channel)), channel, data))
}

func memberRemoved(channel string, id []byte) Frame {
	return SealText(pusher.AppendMemberRemoved(TextBuffer(2*len(id)+len(channel)), channel, id))
}

func watchlistEvents(online, offline []string) Frame {
	return SealText(pusher.AppendWatchlist(TextBuffer(16*(len(online)+len(offline))), online, offline))
}

func cacheMiss(channel string) Frame {
	return SealText(pusher.AppendCacheMiss(TextBuffer(len(channel)), channel))
}

func subscriptionSucceeded(channel string) Frame {
	return SealText(pusher.AppendSubscriptionSucceeded(TextBuffer(len(channel)), channel))
}
