package broadcast

// shard is the part of the subscription table that one loop owns: for each topic, the connections of this loop that
// subscribed to it, in a dense slice in no particular order. There is no lock: only the loop touches it.
type shard map[*Topic]*group

// group is the subscribers of one topic on one loop.
type group struct {
	topic   *Topic
	entries []entry
}

// entry is one subscription, as the fan-out reads it.
type entry struct {
	sub   *Subscriber
	since uint64 // jobs of the topic up to this sequence number were published before sub subscribed
	slot  int32  // index of this subscription in sub.subs
}

// subscription is one subscription, as its connection keeps it.
type subscription struct {
	group  *group
	index  int32     // index of this subscription in group.entries
	member *Identity // user of the connection on a presence channel, else nil
}

// add subscribes s to t. s must not be subscribed to t yet.
func (sh shard) add(t *Topic, s *Subscriber, since uint64, member *Identity) {
	g := sh[t]
	if g == nil {
		g = &group{topic: t}
		sh[t] = g
	}
	slot := s.addSub(subscription{group: g, index: int32(len(g.entries)), member: member})
	g.entries = append(g.entries, entry{sub: s, since: since, slot: slot})
	t.tally.of(s.loop)[Subscriptions]++
}

// remove ends the subscription in slot of s, in constant time: the last entry of the group takes the free index.
func (sh shard) remove(s *Subscriber, slot int32) {
	sub := s.subs[slot]
	g, last := sub.group, len(sub.group.entries)-1
	moved := g.entries[last]
	g.entries[last] = entry{}
	g.entries = g.entries[:last]
	if int(sub.index) != last {
		g.entries[sub.index] = moved
		moved.sub.subs[moved.slot].index = sub.index
	}
	if last == 0 {
		delete(sh, g.topic)
	} else if c := cap(g.entries); c > 64 && last < c/4 {
		g.entries = append(make([]entry, 0, c/2), g.entries...)
	}
	g.topic.tally.of(s.loop)[Subscriptions]--
	s.removeSub(slot)
}

// isOnly reports whether t, which has a subscriber on this loop, has only one.
func (sh shard) isOnly(t *Topic) bool { return len(sh[t].entries) == 1 }
