package pusher

import (
	"crypto/md5" //nolint:gosec // see signature.go
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The worked example of https://pusher.com/docs/channels/library_auth_reference/rest-api/.
const (
	documentedBody      = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	documentedQuery     = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"
	documentedSignature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
)

var someTime = time.Unix(1353088179, 0)

func TestStringToSign(t *testing.T) {
	for _, c := range []struct{ name, method, path, query, body, want string }{
		{"documented", "POST", "/apps/3/events", documentedQuery, documentedBody, "POST\n/apps/3/events\n" + documentedQuery},
		{"no parameters", "GET", "/up", "", "", "GET\n/up\n"},
		{"path as received", "GET", "/apps/1/channels/presence-a%20b", "", "", "GET\n/apps/1/channels/presence-a%20b\n"},
		{"left out", "GET", "/", "appId=1&appKey=2&auth_signature=3&body_md5=4&channelName=5&a=6", "", "GET\n/\na=6"},
		{"left out, spelt for PHP", "GET", "/", "auth.signature=3&body+md5=4&a=6", "", "GET\n/\na=6"},
		{"body_md5 recomputed", "POST", "/", "z=1&body_md5=wrong&a=2", "x", "POST\n/\na=2&body_md5=9dd4e461268c8034f5c8564e155c67a6&z=1"},
		{"body_md5 added", "POST", "/", "", "x", "POST\n/\nbody_md5=9dd4e461268c8034f5c8564e155c67a6"},
		{"body_md5 of nothing", "GET", "/", "z=1&body_md5=d41d8cd98f00b204e9800998ecf8427e&a=2", "", "GET\n/\na=2&body_md5=d41d8cd98f00b204e9800998ecf8427e&z=1"},
		{"body_md5 of nothing with a body", "POST", "/", "body_md5=d41d8cd98f00b204e9800998ecf8427e", "x", "POST\n/\nbody_md5=9dd4e461268c8034f5c8564e155c67a6"},
		{"not encoded", "GET", "/", "filter_by_prefix=a%26b%3Dc&info=x+y", "", "GET\n/\nfilter_by_prefix=a&b=c&info=x y"},
		{"arrays", "GET", "/", "info[]=b&info[]=a", "", "GET\n/\ninfo=b,a"},
		{"refused", "GET", "/", "a[b][c]=1", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := StringToSign(c.method, c.path, c.query, []byte(c.body)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// verifyQuery is Signer.Verify for a query as it was received.
func verifyQuery(secret, method, path, rawQuery string, body []byte) bool {
	q, ok := ParseQuery(rawQuery)
	return ok && NewSigner(secret).Verify(q, method, path, body)
}

func TestVerify(t *testing.T) {
	const signed = documentedQuery + "&auth_signature=" + documentedSignature
	for _, c := range []struct {
		name, secret, method, path, query, body string
		want                                    bool
	}{
		{"documented", documentedSecret, "POST", "/apps/3/events", signed, documentedBody, true},
		{"in any order", documentedSecret, "POST", "/apps/3/events", "auth_signature=" + documentedSignature + "&" + documentedQuery, documentedBody, true},
		{"later signature wins", documentedSecret, "POST", "/apps/3/events", "auth_signature=x&" + signed, documentedBody, true},
		{"earlier signature", documentedSecret, "POST", "/apps/3/events", signed + "&auth_signature=x", documentedBody, false},
		{"sent body_md5 ignored", documentedSecret, "POST", "/apps/3/events", strings.Replace(signed, "ec365a", "000000", 1), documentedBody, true},
		{"another secret", "secret", "POST", "/apps/3/events", signed, documentedBody, false},
		{"another method", documentedSecret, "GET", "/apps/3/events", signed, documentedBody, false},
		{"another path", documentedSecret, "POST", "/apps/4/events", signed, documentedBody, false},
		{"another body", documentedSecret, "POST", "/apps/3/events", signed, documentedBody + " ", false},
		{"no body", documentedSecret, "POST", "/apps/3/events", signed, "", false},
		{"another parameter", documentedSecret, "POST", "/apps/3/events", signed + "&info=x", documentedBody, false},
		{"another timestamp", documentedSecret, "POST", "/apps/3/events", strings.Replace(signed, "1353088179", "1353088180", 1), documentedBody, false},
		{"not signed", documentedSecret, "POST", "/apps/3/events", documentedQuery, documentedBody, false},
		{"empty signature", documentedSecret, "POST", "/apps/3/events", documentedQuery + "&auth_signature=", documentedBody, false},
		{"signature as an array", documentedSecret, "POST", "/apps/3/events", documentedQuery + "&auth_signature[]=" + documentedSignature, documentedBody, false},
		{"capital letters", documentedSecret, "POST", "/apps/3/events", documentedQuery + "&auth_signature=" + strings.ToUpper(documentedSignature), documentedBody, false},
		{"nothing", documentedSecret, "POST", "/apps/3/events", "", documentedBody, false},
		{"refused query", documentedSecret, "POST", "/apps/3/events", signed + strings.Repeat("&", MaxParameters), documentedBody, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if verifyQuery(c.secret, c.method, c.path, c.query, []byte(c.body)) != c.want {
				t.Errorf("want %v", c.want)
			}
		})
	}
}

func TestSignQuery(t *testing.T) {
	got := SignQuery(documentedKey, documentedSecret, "POST", "/apps/3/events", nil, []byte(documentedBody), someTime)
	if want := documentedQuery + "&auth_signature=" + documentedSignature; got != want {
		t.Errorf("got %s", got)
	}
	query := url.Values{"info": {"user_count,cache"}, "filter_by_prefix": {"presence-é&"}}
	got = SignQuery("key", "secret", "GET", "/apps/1/channels", query, nil, someTime)
	if len(query) != 2 || strings.Contains(got, "body_md5") {
		t.Errorf("query is now %v; signed %s", query, got)
	}
	if !verifyQuery("secret", "GET", "/apps/1/channels", got, nil) {
		t.Errorf("not verified: %s", got)
	}
	aged := SignQuery("key", "secret", "GET", "/", url.Values{"auth_timestamp": {"1"}}, nil, someTime)
	if q, _ := ParseQuery(aged); q.Get("auth_timestamp") != "1" || !NewSigner("secret").Verify(q, "GET", "/", nil) {
		t.Errorf("not aged: %s", aged)
	}
}

// A parameter given twice is signed as its last value only: whoever reads the first one is deceived, so a request's
// parameters must come from Query.
func TestParameterInFrontOfASignedOne(t *testing.T) {
	signed := SignQuery("key", "secret", "GET", "/", nil, nil, someTime)
	q, _ := ParseQuery("auth_timestamp=9999999999&" + signed)
	if !NewSigner("secret").Verify(q, "GET", "/", nil) || q.Get("auth_timestamp") != "1353088179" {
		t.Errorf("timestamp %s", q.Get("auth_timestamp"))
	}
}

// What a publisher's request costs is nothing but time: its memory is used again.
func TestVerifyDoesNotAllocate(t *testing.T) {
	signer, body, right := NewSigner(documentedSecret), []byte(documentedBody), false
	q, _ := ParseQuery(documentedQuery + "&auth_signature=" + documentedSignature)
	n := testing.AllocsPerRun(100, func() {
		q, _ = ParseQueryInto(q, documentedQuery+"&auth_signature="+documentedSignature)
		right = signer.Verify(q, "POST", "/apps/3/events", body)
	})
	if !right || n > 0 {
		t.Errorf("%v allocations, verified: %t", n, right)
	}
}

// stringToSignByLibrary is StringToSign for parameters that net/url has read.
func stringToSignByLibrary(method, path string, values url.Values, body string) string {
	params := make(map[string]string)
	for name, all := range values {
		if name != "" {
			params[name] = all[len(all)-1]
		}
	}
	for _, name := range []string{"auth_signature", "body_md5", "appId", "appKey", "channelName"} {
		delete(params, name)
	}
	if body != "" {
		params["body_md5"] = fmt.Sprintf("%x", md5.Sum([]byte(body))) //nolint:gosec // see signature.go
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		pairs = append(pairs, name+"="+params[name])
	}
	return method + "\n" + path + "\n" + strings.Join(pairs, "&")
}

func BenchmarkVerify(b *testing.B) {
	body := []byte(documentedBody)
	for _, c := range []struct{ name, query string }{
		{"documented", documentedQuery + "&auth_signature=" + documentedSignature},
		{"hostile", strings.Repeat("a[z]=1&", MaxParameters-1)},
	} {
		b.Run(c.name, func(b *testing.B) {
			signer, q := NewSigner(documentedSecret), Query(nil)
			b.ReportAllocs()
			for b.Loop() {
				q, _ = ParseQueryInto(q, c.query)
				signer.Verify(q, "POST", "/apps/3/events", body)
			}
		})
	}
}
