package pusher

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// show returns a query as "name=value&..." with nothing encoded.
func show(q Query) string {
	var pairs []string
	for i := range q {
		pairs = append(pairs, q[i].name+"="+q[i].text())
	}
	return strings.Join(pairs, "&")
}

func TestParseQuery(t *testing.T) {
	for _, c := range []struct{ name, query, want string }{
		{"empty", "", ""},
		{"sorted", "b=2&a=1&c=3&B=4", "B=4&a=1&b=2&c=3"},
		{"decoded", "a=%7B%22x%22%3a1%7d+%2B&%61b=1", `a={"x":1} +&ab=1`},
		{"not decodable", "a=%&b=%4&c=%zz&d=%-1&e=100%", "a=%&b=%4&c=%zz&d=%-1&e=100%"},
		{"later wins", "info=a&x=1&info=b", "info=b&x=1"},
		{"no value", "a&b=&c", "a=&b=&c="},
		{"equals sign in the value", "a=b=c", "a=b=c"},
		{"no name", "=1&&a=1&%20=2&[=3&[x]=4", "a=1"},
		{"dots and spaces", "a.b=1&c+d=2&e%2Ef=3&+g=4", "a_b=1&c_d=2&e_f=3&g=4"},
		{"array", "a[]=1&a[]=2", "a=1,2"},
		{"array with keys", "a[x]=1&a[y]=2&a[x]=3", "a=3,2"},
		{"array, encoded", "info%5B%5D=x&info%5B%5D=y", "info=x,y"},
		{"numbers are keys too", "a[]=1&a[0]=2&a[5]=3&a[]=4&a[6]=5&a[-1]=6&a[07]=7&a[]=8", "a=2,3,5,6,7,8"},
		{"array, then not", "a[]=1&a=2", "a=2"},
		{"not, then array", "a=1&a[]=2", "a=2"},
		{"starting again", "a[]=1&a=2&a[]=3", "a=3"},
		{"bracket not closed", "a[b=1", "a_b=1"},
		{"behind the bracket", "a[b]c=1", "a=1"},
		{"dots in keys stay", "a.b[c.d]=1", "a_b=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, ok := ParseQuery(c.query)
			if got := show(q); got != c.want || !ok {
				t.Errorf("got %q, %v, want %q", got, ok, c.want)
			}
		})
	}
}

func TestParseQueryRefuses(t *testing.T) {
	for _, c := range []struct{ name, query string }{
		{"array in an array", "a[b][c]=1"},
		{"too many", strings.Repeat("a=1&", MaxParameters)},
		{"far too many", strings.Repeat("&", 1_000_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if q, ok := ParseQuery(c.query); ok || q != nil {
				t.Errorf("got %q", show(q))
			}
		})
	}
	if _, ok := ParseQuery(strings.Repeat("a=1&", MaxParameters-1)); !ok {
		t.Error("the most parameters there may be are refused")
	}
}

func TestQueryGet(t *testing.T) {
	q, _ := ParseQuery("info=user_count%2Ccache&filter_by_prefix=presence-&a[]=1&a[]=2")
	for name, want := range map[string]string{
		"info": "user_count,cache", "filter_by_prefix": "presence-", "a": "1,2", "none": "", "inf": "",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// FuzzQuery compares with net/url, on those queries which net/url reads as PHP does.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"auth_key=k&auth_timestamp=1&auth_version=1.0&body_md5=x&auth_signature=y", "a[]=1&a[]=2&a[k]=3", "a=%zz&b=%", "a=1&&a=2&=3&b",
		"a[b][c]=1", "a[b", "a.b c=1", "%00=1", "a[]=1&a=2&a[]=3", "x=%41+%2B",
	} {
		f.Add(seed, "body")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, rawQuery, body string) {
		q, ok := ParseQuery(rawQuery)
		if !slices.IsSortedFunc(q, func(a, b parameter) int { return strings.Compare(a.name, b.name) }) {
			t.Errorf("%q: not sorted: %q", rawQuery, show(q))
		}
		got := StringToSign("GET", "/apps/1/channels", rawQuery, []byte(body))
		verifyQuery("secret", "GET", "/apps/1/channels", rawQuery, []byte(body))

		values, err := url.ParseQuery(rawQuery)
		if !ok || err != nil || !sameInPHP(values) {
			return
		}
		if want := stringToSignByLibrary("GET", "/apps/1/channels", values, body); got != want {
			t.Errorf("%q: got %q, want %q", rawQuery, got, want)
		}
		if !verifyQuery("secret", "GET", "/", SignQuery("key", "secret", "GET", "/", values, []byte(body), someTime), []byte(body)) {
			t.Errorf("%q: not verified once signed", rawQuery)
		}
	})
}

// sameInPHP reports whether no name means something else to PHP, and whether there is room for a signature.
func sameInPHP(values url.Values) bool {
	parameters := 0
	for name, all := range values {
		if strings.ContainsAny(name, " .[") {
			return false
		}
		parameters += len(all)
	}
	return parameters <= MaxParameters-5
}
