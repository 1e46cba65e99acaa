package apps_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/pusher"
)

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkPublish(b *testing.B) {
	one := fmt.Sprintf(`{"name":"e","channel":"c","data":"%s"}`, strings.Repeat("x", 100))
	for _, bb := range []struct{ name, path, body string }{
		{"single", "/events", one},
		{"batch of 10", "/batch_events", `{"batch":[` + strings.Repeat(one+",", 9) + one + `]}`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s := appstest.New(b, appstest.Options{Apps: []apps.Settings{appstest.App("x")}})
			a, body := s.Registry.Apps()[0], &whole{[]byte(bb.body)}
			path := "/apps/" + a.ID + bb.path
			query := pusher.SignQuery(a.Key, a.Secret, http.MethodPost, path, url.Values{}, body.p, time.Now())
			r := httptest.NewRequest(http.MethodPost, path+"?"+query, nil)
			r.Body = body
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				s.API.Serve(s.Hub.Loops()[0], w, r)
			}
			if w.status != http.StatusOK {
				b.Fatal(w.status)
			}
		})
	}
}
