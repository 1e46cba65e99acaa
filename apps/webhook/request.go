package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The headers of a webhook, and how long its receiver may take. Pusher's libraries want exactly this Content-Type, and lower-case hex.
const (
	headerKey       = "X-Pusher-Key"
	headerSignature = "X-Pusher-Signature"
	headerID        = "X-Webhook-Id"
	contentType     = "application/json"
	userAgent       = "reverbd"

	attemptTime = 4 * time.Second
	answerBytes = 64 << 10 // of an answer are read, so that the connection can be used again
)

// Client makes the client that webhooks are sent with. Redirects are not followed: what is signed for one URL is for nobody else. roots are
// the authorities that receivers' certificates may be of; nil is the system's.
func Client(roots *x509.CertPool) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: attemptTime}).DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: maxFlights,
			IdleConnTimeout:     30 * time.Second,
		},
	}
}

// App is an application as its webhooks need to know it.
type App struct {
	ID, Key, Secret string
	Hooks           []Hook
}

// appendBody appends the body of a request. It says when it was sent: the Python library refuses what is older than five minutes.
func appendBody(dst []byte, items []*Item, now time.Time) []byte {
	dst = append(dst, `{"time_ms":`...)
	dst = strconv.AppendInt(dst, now.UnixMilli(), 10)
	dst = append(dst, `,"events":[`...)
	for n, i := range items {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, i.Text...)
	}
	return append(dst, "]}"...)
}

// sign is the signature of a body.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Answer is what a receiver said.
type Answer struct {
	Status int
	Body   []byte // the first answerBytes of it
	Took   time.Duration
}

// Taken reports that the receiver has what it was sent.
func (a Answer) Taken() bool { return a.Status >= 200 && a.Status <= 299 }

// attempt sends a batch once, signed anew. An error says that there was no whole answer in time.
func attempt(ctx context.Context, c *http.Client, app *App, h *Hook, b *Batch) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	began := time.Now()
	body := appendBody(nil, b.Items, began)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("webhook: %w", err)
	}
	r.Header.Set("User-Agent", userAgent)
	for name, value := range h.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set(headerKey, app.Key)
	r.Header.Set(headerSignature, sign(app.Secret, body))
	r.Header.Set(headerID, b.ID)
	response, err := c.Do(r)
	if err != nil {
		return Answer{}, fmt.Errorf("webhook: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err != nil {
		return Answer{}, fmt.Errorf("webhook: reading the answer: %w", err)
	}
	return Answer{response.StatusCode, text, time.Since(began)}, nil
}

// withoutURL takes the URL off an error, since its query may be secret.
func withoutURL(err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // Do returns exactly this
		return u.Err
	}
	return err
}

// shown is a URL without what may be secret in it.
func shown(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(a URL)"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}
