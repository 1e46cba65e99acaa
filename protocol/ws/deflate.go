package ws

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

// Compression of messages (permessage-deflate, RFC 7692), always without context takeover: a message is compressed by itself,
// so that it is compressed once for all receivers, and a connection keeps no window.

// DeflateExtension is the Sec-WebSocket-Extensions header that accepts an offer.
const DeflateExtension = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// rsv1 marks the first frame of a compressed message (RFC 7692 section 6).
const rsv1 = 4

// deflateTail is what a sender leaves off a compressed message (RFC 7692 section 7.2.1), and a final empty block, which ends
// the stream for the decompressor.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// deflateTailSize is the length of what a sender leaves off.
const deflateTailSize = 4

// OffersDeflate reports whether one of the offers in a handshake's headers can be accepted with DeflateExtension. An offer that
// limits the window that we compress with cannot (RFC 7692 section 7.1.2.1), nor one with parameters that are not known.
func OffersDeflate(header http.Header) bool {
	for _, list := range header.Values("Sec-WebSocket-Extensions") {
		for offer := range strings.SplitSeq(list, ",") {
			if acceptable(offer) {
				return true
			}
		}
	}
	return false
}

func acceptable(offer string) bool {
	name, parameters, _ := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != "permessage-deflate" {
		return false
	}
	seen := map[string]bool{}
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		if key == "" && parameters == "" {
			continue
		}
		if seen[key] {
			return false
		}
		seen[key] = true
		switch key {
		case "server_no_context_takeover", "client_no_context_takeover":
			if value != "" {
				return false
			}
		case "client_max_window_bits":
			if value != "" && !windowBits(value) {
				return false
			}
		case "server_max_window_bits":
			if value != "15" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func windowBits(s string) bool {
	switch s {
	case "8", "9", "10", "11", "12", "13", "14", "15":
		return true
	}
	return false
}

// AppendDeflated appends payload as one compressed frame. It is meant for JSON of some hundred bytes and more; what does not
// get smaller gets a little larger.
func AppendDeflated(dst []byte, op OpCode, payload []byte) []byte {
	compressed := compressors.Get().(*bytes.Buffer)
	defer compressors.Put(compressed)
	compressed.Reset()
	_ = flate.StatelessDeflate(compressed, payload, false, nil) // a bytes.Buffer takes everything
	body := compressed.Bytes()
	body = body[:max(len(body)-deflateTailSize, 0)]
	if len(body) == 0 {
		body = []byte{0} // RFC 7692 section 7.2.3.6: an empty message
	}
	start := len(dst)
	dst = AppendFrame(dst, op, body)
	dst[start] |= rsv1 << 4
	return dst
}

var compressors = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Inflate returns the message that payload was made from, at most limit bytes of it (0 is no limit): a short frame can hold an
// immense message.
func Inflate(payload []byte, limit int64) ([]byte, *CloseError) {
	r := inflaters.Get().(*inflater)
	defer inflaters.Put(r)
	r.input = io.MultiReader(bytes.NewReader(payload), strings.NewReader(deflateTail))
	_ = r.flate.(flate.Resetter).Reset(r.input, nil) // it has no dictionary that could be wrong
	var from io.Reader = r.flate
	if limit > 0 {
		from = io.LimitReader(from, limit+1)
	}
	message, err := io.ReadAll(from)
	switch {
	case err != nil:
		return nil, &CloseError{StatusInvalidFramePayloadData, "Message cannot be decompressed"}
	case limit > 0 && int64(len(message)) > limit:
		return nil, tooBig()
	}
	return message, nil
}

type inflater struct {
	flate io.ReadCloser
	input io.Reader
}

var inflaters = sync.Pool{New: func() any { return &inflater{flate: flate.NewReader(bytes.NewReader(nil))} }}

// decompressEvent returns the event of a compressed message.
func decompressEvent(op OpCode, payload []byte, limit int64) (Event, *CloseError) {
	message, err := Inflate(payload, limit)
	if err == nil && op == OpText && !utf8.Valid(message) {
		err = notText()
	}
	if err != nil {
		return Event{}, err
	}
	return Event{op, message}, nil
}
