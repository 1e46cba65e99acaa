package delivery

// Streams is the numbering of a run's streams: those of channel c begin at c times PerChannel, and the sender of a stream is its
// number modulo Senders.
type Streams struct {
	PerChannel int
	Senders    int
}

// PublisherStreams is the numbering for publishers that divide the channels among themselves, so that each channel has one stream.
// With fewer channels than publishers, all publish to all channels.
func PublisherStreams(channels, publishers int) Streams {
	if channels >= publishers {
		return Streams{PerChannel: 1, Senders: publishers}
	}
	return Streams{PerChannel: publishers, Senders: publishers}
}

// PairStreams is the numbering for channels with two clients on each that whisper to each other.
func PairStreams() Streams { return Streams{PerChannel: 2, Senders: 2} }

// PresenceStreams is the numbering for the joiners of one presence channel. Each has a stream, but they count as one sender, because
// all members must get the changes in the same order.
func PresenceStreams(joiners int) Streams { return Streams{PerChannel: joiners, Senders: 1} }

// Turn returns the channel and the stream of a publisher's n-th message, from 0.
func (s Streams) Turn(publisher, n, channels int) (channel int, stream uint32) {
	if s.PerChannel > 1 {
		channel = (publisher + n) % channels
		return channel, uint32(channel*s.PerChannel + publisher)
	}
	own := (channels - publisher + s.Senders - 1) / s.Senders // channels of this publisher
	channel = publisher + n%own*s.Senders
	return channel, uint32(channel)
}

// Channel returns the channel of a stream.
func (s Streams) Channel(stream uint32) int { return int(stream) / s.PerChannel }
