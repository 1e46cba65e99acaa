package pusher

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the protocol demands it; the HMAC over it is what proves anything
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// StringToSign returns what the signature of an HTTP API request covers: method, path and parameters, a line each.
// The parameters are sorted by name and not encoded; auth_signature is left out, and so are appId, appKey and
// channelName (which are Reverb's names for parts of the path); body_md5 is that of body, whatever the query says,
// and absent without a body. path is percent-encoded as it was received, without the server's prefix. The result is
// "" for a query that ParseQuery refuses.
func StringToSign(method, path, rawQuery string, body []byte) string {
	q, ok := ParseQuery(rawQuery)
	if !ok {
		return ""
	}
	return string(q.stringToSign(method, path, body))
}

// VerifyQuery reports whether rawQuery holds the right auth_signature for its request. The arguments are those of
// StringToSign. Neither auth_key nor auth_timestamp is looked at.
func VerifyQuery(secret, method, path, rawQuery string, body []byte) bool {
	q, ok := ParseQuery(rawQuery)
	return ok && q.Verify(secret, method, path, body)
}

// Verify is VerifyQuery for a query that is parsed already. The comparison takes the same time wherever the
// difference is.
func (q Query) Verify(secret, method, path string, body []byte) bool {
	i, found := q.find("auth_signature")
	if !found || q[i].values != nil {
		return false
	}
	return hmac.Equal([]byte(q[i].value), sign(secret, q.stringToSign(method, path, body)))
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

func (q Query) stringToSign(method, path string, body []byte) []byte {
	q = q.signed(body)
	size := len(method) + len(path) + 2
	for i := range q {
		size += len(q[i].name) + len(q[i].value) + 2
	}
	dst := make([]byte, 0, size)
	dst = append(dst, method...)
	dst = append(dst, '\n')
	dst = append(dst, path...)
	dst = append(dst, '\n')
	for i := range q {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, q[i].name...)
		dst = append(dst, '=')
		dst = append(dst, q[i].text()...)
	}
	return dst
}

// signed returns the parameters that the signature covers.
func (q Query) signed(body []byte) Query {
	signed := make(Query, 0, len(q)+1)
	for _, p := range q {
		switch p.name {
		case "auth_signature", "body_md5", "appId", "appKey", "channelName":
		default:
			signed = append(signed, p)
		}
	}
	if len(body) > 0 {
		i, _ := signed.find("body_md5")
		signed = slices.Insert(signed, i, parameter{name: "body_md5", value: bodyMD5(body)})
	}
	return signed
}

func bodyMD5(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}
