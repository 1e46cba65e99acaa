package pusher

// Subscribe is the data of a pusher:subscribe message. Its slices alias the message. Whether Channel is a name that
// may exist, and whether Auth is right, is for the caller to ask (ValidName, VerifyChannel).
type Subscribe struct {
	Channel     []byte // decoded
	Auth        []byte // decoded; nil when absent or null
	ChannelData []byte // decoded, so usually JSON itself; nil when absent, null or ""
}

// ParseSubscribe reads the data of a pusher:subscribe message: an object, or a JSON string that holds one. data is
// Message.Data and is decoded in place. The only error is ErrInvalidMessage.
func ParseSubscribe(data []byte) (Subscribe, error) {
	members, err := payload(data)
	if err != nil {
		return Subscribe{}, ErrInvalidMessage
	}
	var channel, auth, channelData []byte
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		switch string(key) {
		case "channel":
			channel = value
		case "auth":
			auth = value
		case "channel_data":
			channelData = value
		}
	}
	if members.Err() != nil {
		return Subscribe{}, ErrInvalidMessage
	}
	var s Subscribe
	var channelOK, authOK, dataOK bool
	s.Channel, channelOK = requiredText(channel)
	s.Auth, authOK = optionalText(auth)
	s.ChannelData, dataOK = optionalText(channelData)
	if !channelOK || !authOK || !dataOK {
		return Subscribe{}, ErrInvalidMessage
	}
	if len(s.ChannelData) == 0 {
		s.ChannelData = nil
	}
	return s, nil
}

// ParseUnsubscribe returns the channel in the data of a pusher:unsubscribe message, under the rules of
// ParseSubscribe.
func ParseUnsubscribe(data []byte) (channel []byte, err error) {
	members, err := payload(data)
	if err != nil {
		return nil, ErrInvalidMessage
	}
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		if string(key) == "channel" {
			channel = value
		}
	}
	channel, ok := requiredText(channel)
	if !ok || members.Err() != nil {
		return nil, ErrInvalidMessage
	}
	return channel, nil
}

// payload starts reading the object that data is, or that data is the string of: clients may encode their data
// once more, as the server does with its own, and Reverb reads both.
func payload(data []byte) (Members, error) {
	if text, ok := Unquote(data); ok {
		data = text
	}
	return ObjectMembers(data)
}
