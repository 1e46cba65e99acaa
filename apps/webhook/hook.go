package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"reverbd/protocol/pusher"
)

// Hook is one URL of an application and what it is told. It never changes.
type Hook struct {
	URL      string
	Events   Kinds
	Channels []string          // patterns, "*" is any run of characters; nil is all channels. Connections are on no channel
	Headers  map[string]string // sent with every request, beside ours
}

// Wants reports whether the hook is told of an event of this kind on this channel.
func (h *Hook) Wants(k Kind, channel string) bool { return h.Events.Has(k) && h.covers(k, channel) }

// covers reports whether a kind that is told, or one that takes it back, concerns the hook on this channel.
func (h *Hook) covers(k Kind, channel string) bool {
	if !h.Events.withPartners().Has(k) {
		return false
	}
	if h.Channels == nil || k == ConnectionOpened || k == ConnectionClosed {
		return true
	}
	for _, p := range h.Channels {
		if pusher.MatchPattern(p, channel) {
			return true
		}
	}
	return false
}

// CheckURL says what is wrong with a URL, and how to put it right.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("is not a URL that can be called; give one such as https://example.com/webhooks")
	case u.User != nil:
		return errors.New("has a user or a password in it; give a header Authorization instead")
	case u.Fragment != "":
		return errors.New("has a fragment (#), which is never sent; remove it")
	}
	return nil
}

// ours are the headers that a hook cannot set.
var ours = []string{
	"Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Host", "Trailer", headerKey, headerSignature, headerID,
}

// CheckHeader says what is wrong with a header, and how to put it right. The value, which may be secret, is not in the error.
func CheckHeader(name, value string) error {
	for _, o := range ours {
		if strings.EqualFold(o, name) {
			return fmt.Errorf("cannot be given: %s is part of every webhook; remove it", http.CanonicalHeaderKey(name))
		}
	}
	switch {
	case name == "" || strings.ContainsFunc(name, notInToken):
		return errors.New("is not the name of a header; give one such as Authorization or X-Token")
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return errors.New("has a value that cannot be sent; remove line breaks and control characters")
	}
	return nil
}

// notInToken reports that a header's name cannot have r in it (RFC 9110 5.6.2).
func notInToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
