package pusher

import (
	"crypto/md5" //nolint:gosec // the protocol demands it; the HMAC over it is what proves anything
	"encoding/hex"
	"maps"
	"net/url"
	"strconv"
	"time"
)

// StringToSign returns what the signature of an HTTP API request covers: method, path and parameters, a line each.
// The parameters are sorted by name and not encoded; auth_signature is left out, and so are appId, appKey and
// channelName (which are Reverb's names for parts of the path); body_md5 is that of body, whatever the query says,
// and absent without a body, unless the query has that of an empty one: the official Python library and Elixir's pushest sign
// it. path is percent-encoded as it was received, without the server's prefix. The result is
// "" for a query that ParseQuery refuses.
func StringToSign(method, path, rawQuery string, body []byte) string {
	q, ok := ParseQuery(rawQuery)
	if !ok {
		return ""
	}
	return string(q.appendStringToSign(nil, method, path, digestOf(body)))
}

// digest is the body_md5 that is signed. The zero value is that of no body.
type digest struct {
	text  [2 * md5.Size]byte
	exist bool
}

func digestOf(body []byte) (d digest) {
	if len(body) > 0 {
		sum := md5.Sum(body) //nolint:gosec // as above
		hex.Encode(d.text[:], sum[:])
		d.exist = true
	}
	return d
}

// claimedDigest is the body_md5 of the query. ok is false if there is none, or none that can be right.
func (q Query) claimedDigest() (d digest, ok bool) {
	i, found := q.find("body_md5")
	if !found || q[i].values != nil || len(q[i].value) != len(d.text) {
		return d, false
	}
	copy(d.text[:], q[i].value)
	d.exist = true
	return d, true
}

// SignQuery returns query as a client of the HTTP API has to send it: encoded, with the five parameters of
// authentication, which query may set otherwise (to forge or to age a request). path is as in StringToSign.
func SignQuery(key, secret, method, path string, query url.Values, body []byte, now time.Time) string {
	signed := url.Values{
		"auth_key":       {key},
		"auth_timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"auth_version":   {"1.0"},
	}
	if len(body) > 0 {
		signed.Set("body_md5", bodyMD5(body))
	}
	maps.Copy(signed, query)
	rawQuery := signed.Encode()
	text := StringToSign(method, path, rawQuery, body)
	return rawQuery + "&auth_signature=" + string(sign(secret, []byte(text)))
}

// appendStringToSign appends StringToSign.
func (q Query) appendStringToSign(dst []byte, method, path string, body digest) []byte {
	dst = append(dst, method...)
	dst = append(dst, '\n')
	dst = append(dst, path...)
	dst = append(dst, '\n')
	start, owed := len(dst), body.exist
	for i := range q {
		p := &q[i]
		if owed && p.name >= "body_md5" {
			dst, owed = appendBodyMD5(dst, start, body), false
		}
		switch p.name {
		case "body_md5":
			if body.exist || p.values != nil || p.value != emptyMD5 {
				continue
			}
			dst = append(appendParameter(dst, start, p.name), emptyMD5...)
		case "auth_signature", "appId", "appKey", "channelName":
		default:
			dst = appendParameter(dst, start, p.name)
			dst = append(dst, p.text()...)
		}
	}
	if owed {
		dst = appendBodyMD5(dst, start, body)
	}
	return dst
}

// emptyMD5 is the body_md5 of a request without a body.
const emptyMD5 = "d41d8cd98f00b204e9800998ecf8427e"

// appendParameter appends a name and the equals sign behind it; the first of the parameters is at start.
func appendParameter(dst []byte, start int, name string) []byte {
	if len(dst) > start {
		dst = append(dst, '&')
	}
	dst = append(dst, name...)
	return append(dst, '=')
}

func appendBodyMD5(dst []byte, start int, body digest) []byte {
	return append(appendParameter(dst, start, "body_md5"), body.text[:]...)
}

func bodyMD5(body []byte) string {
	d := digestOf(body)
	return string(d.text[:])
}
