package pusher

// Member is a user on a presence channel, as the channel_data of a subscription describes it. Its slices alias that text.
type Member struct {
	ID   []byte // user_id as it was sent, a JSON string or number: clients get back the type they gave
	Key  []byte // who it is: the decoded string, or the digits of the number, so that 1 and "1" are one user
	Info []byte // user_info as it was sent; nil when absent
}

// ParseMember reads the channel_data of a presence subscription, which it leaves as it is. Members beside user_id
// and user_info are allowed. It returns ErrInvalidMessage if channelData is not a JSON object, and ErrNoUserID if
// that has no user_id, or one that is neither a number nor a string with something in it.
//
// Reverb lets such a subscriber in, and then sends an empty roster to every subscriber. It also takes 0 and "0" for no user;
// here they are users like any other.
func ParseMember(channelData []byte) (Member, error) {
	members, err := ObjectMembers(channelData)
	if err != nil {
		return Member{}, ErrInvalidMessage
	}
	var m Member
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		switch string(key) {
		case "user_id":
			m.ID = value
		case "user_info":
			m.Info = value
		}
	}
	if members.Err() != nil {
		return Member{}, ErrInvalidMessage
	}
	if m.Key = memberKey(m.ID); len(m.Key) == 0 {
		return Member{}, ErrNoUserID
	}
	return m, nil
}

// memberKey returns the identity in a user_id token, nothing if there is none. An id written with escapes is
// decoded into new memory.
func memberKey(id []byte) []byte {
	switch {
	case isNull(id):
		return nil
	case id[0] == '"':
		if key := contents(id); !hasEscape(key) {
			return key
		}
		return AppendUnquoted(nil, id)
	case id[0] == '-' || '0' <= id[0] && id[0] <= '9':
		return id
	default: // true, false, an array, an object
		return nil
	}
}
