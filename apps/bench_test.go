package apps_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
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
	s := appstest.New(b, appstest.Options{Apps: []apps.Settings{appstest.App("x")}})
	a := s.Registry.Apps()[0]
	body := fmt.Appendf(nil, `{"name":"e","channel":"c","data":"%s"}`, strings.Repeat("x", 100))
	query := pusher.SignQuery(a.Key, a.Secret, http.MethodPost, "/apps/"+a.ID+"/events", url.Values{}, body, time.Now())
	r, err := http.NewRequest(http.MethodPost, "/apps/"+a.ID+"/events?"+query, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.API.ServeHTTP(w, r)
	}
	if w.status != http.StatusOK {
		b.Fatal(w.status)
	}
}
