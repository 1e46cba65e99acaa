package e2e

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reverbd/cmd/reverbd/config"
)

// driver is a server that a conversation can be had with. Connections are named. Methods fail the test if the server does
// something that no step could expect.
type driver interface {
	// open connects to the app with the key.
	open(conn, key, origin string)
	// send sends a text message.
	send(conn, text string)
	// drop ends a connection without a word, and returns when the server has noticed.
	drop(conn string)
	// request makes a request of the HTTP API.
	request(method, target, body string) *response
	// collect returns what a connection has received, and with which code it has ended, 0 if it has not. Everything that the
	// server was going to send because of what has been done before is there. A driver that cannot know when that is waits for
	// want messages, if they come.
	collect(conn string, want int) (texts []string, closed int)
	// now is the server's time.
	now() time.Time
	// cannot says why a step is beyond the driver; "" if it is not.
	cannot(transcript string, step int) string
}

// TestTranscripts has every conversation twice: with the sessions and the API themselves, and with the server as a process.
func TestTranscripts(t *testing.T) {
	recorded := readTranscripts(t, "testdata/transcripts", true)
	if len(recorded) != 27 {
		t.Errorf("%d recorded transcripts, want 27", len(recorded))
	}
	checkDifferences(t, recorded)
	replayTwice(t, recordedConfigFile(t), recorded)
	replayTwice(t, configFile(t), readTranscripts(t, "testdata/own", false))
}

func replayTwice(t *testing.T, file string, transcripts []transcript) {
	conf := replayConfig(t, file)
	t.Run("session", func(t *testing.T) {
		for _, tr := range transcripts {
			t.Run(tr.Name, func(t *testing.T) { newReplay(t, conf, newSessionDriver(t, conf)).run(tr) })
		}
	})
	t.Run("process", func(t *testing.T) {
		s := startServer(t, "--config", file)
		for _, tr := range transcripts {
			t.Run(tr.Name, func(t *testing.T) { newReplay(t, conf, newProcessDriver(t, conf, s)).run(tr) })
		}
	})
}

// checkDifferences checks that every row is about a step that there is, and no other row is.
func checkDifferences(t *testing.T, recorded []transcript) {
	t.Helper()
	steps := map[string]int{}
	for _, tr := range recorded {
		steps[tr.Name] = len(tr.Steps)
	}
	seen := map[string]bool{}
	for _, d := range differences {
		id := fmt.Sprint(d.transcript, " ", d.step)
		if d.step < 0 || d.step >= steps[d.transcript] || seen[id] {
			t.Errorf("differences: there is no step %s, or it is listed twice", id)
		}
		seen[id] = true
		if d.decision < 1 || d.decision > 27 || d.why == "" {
			t.Errorf("differences: %s needs its decision and the reason", id)
		}
	}
}

// replay is one conversation.
type replay struct {
	t       *testing.T
	driver  driver
	secrets map[string]string // by key
	keys    map[string]string // of the app, by connection
	ids     map[string]string // socket ids by connection
	open    []string          // connections that have not ended
}

func newReplay(t *testing.T, conf config.Config, d driver) *replay {
	r := &replay{t: t, driver: d, secrets: map[string]string{}, keys: map[string]string{}, ids: map[string]string{}}
	for _, a := range conf.Apps {
		r.secrets[a.Key] = a.Secret
	}
	return r
}

func (r *replay) run(tr transcript) {
	for i, s := range tr.Steps {
		row := slices.IndexFunc(differences, func(d difference) bool { return tr.recorded && d.transcript == tr.Name && d.step == i })
		if why := r.driver.cannot(tr.Name, i); why != "" {
			r.t.Logf("step %d is left out: %s", i, why)
			continue
		}
		expected := s.outcome
		if row >= 0 {
			expected = differences[row].overlay(expected)
		}
		got := r.do(s.Do, expected)
		want := r.filled(s.outcome)
		problems := compare(want, got, tr.recorded)
		if row >= 0 {
			if len(problems) == 0 {
				r.t.Errorf("step %d: a difference is listed (decision %d), but there is none", i, differences[row].decision)
			}
			problems = compare(r.filled(expected), got, true)
		}
		if len(problems) > 0 {
			what, _ := json.Marshal(s.Do)
			r.t.Fatalf("step %d: %s\n  %s", i, what, strings.Join(problems, "\n  "))
		}
	}
	for _, conn := range slices.Clone(r.open) {
		r.end(conn)
	}
}

// do carries out a step and gathers everything that comes of it, on all connections.
func (r *replay) do(a action, expected outcome) (o outcome) {
	o.Got, o.Closed = map[string][]string{}, map[string]int{}
	actor := ""
	switch {
	case a.Open != nil:
		actor = a.Open.Conn
		r.driver.open(actor, a.Open.Key, a.Open.Origin)
		r.keys[actor] = a.Open.Key
		r.open = append(r.open, actor)
	case a.Send != nil:
		actor = a.Send.Conn
		r.driver.send(actor, r.signed(actor, a.Send.Text))
	case a.Close != nil:
		r.end(a.Close.Conn)
	case a.HTTP != nil:
		o.Response = withoutTTL(r.request(*a.HTTP))
	default:
		r.t.Fatal("a step that does nothing")
	}
	// The actor first: when it has got everything, whatever goes to others is on its way.
	order := slices.Clone(r.open)
	slices.SortStableFunc(order, func(x, y string) int { return strings.Compare(first(x == actor), first(y == actor)) })
	for _, conn := range order {
		texts, closed := r.driver.collect(conn, len(expected.Got[conn]))
		if len(texts) > 0 {
			o.Got[conn] = texts
		}
		if closed != 0 {
			o.Closed[conn] = closed
			r.open = slices.DeleteFunc(r.open, func(c string) bool { return c == conn })
		}
	}
	if a.Open != nil {
		r.learn(actor, o.Got[actor])
	}
	return o
}

func first(yes bool) string {
	if yes {
		return "0"
	}
	return "1"
}

func (r *replay) end(conn string) {
	r.driver.drop(conn)
	r.open = slices.DeleteFunc(r.open, func(c string) bool { return c == conn })
}

var socketID = regexp.MustCompile(`\A\d+\.\d+\z`)

// learn takes the socket id from connection_established.
func (r *replay) learn(conn string, texts []string) {
	for _, text := range texts {
		var established struct {
			Event, Data string
		}
		var data struct {
			ID string `json:"socket_id"`
		}
		if json.Unmarshal([]byte(text), &established) != nil || established.Event != "pusher:connection_established" {
			continue
		}
		if err := json.Unmarshal([]byte(established.Data), &data); err != nil || !socketID.MatchString(data.ID) {
			r.t.Fatalf("connection_established of %s: %s", conn, text)
		}
		r.ids[conn] = data.ID
	}
}

var ttl = regexp.MustCompile(`"ttl":\d+`)

// withoutTTL puts {seconds} in the place of how long a cached event is kept, which depends on when it is asked.
func withoutTTL(r *response) *response {
	r.Body = ttl.ReplaceAllString(r.Body, `"ttl":"{seconds}"`)
	return r
}

// fill puts the socket ids in.
func (r *replay) fill(text string) string {
	for conn, id := range r.ids {
		text = strings.ReplaceAll(text, "{socket_id:"+conn+"}", id)
	}
	return text
}

func (r *replay) filled(o outcome) outcome {
	f := outcome{Got: map[string][]string{}, Closed: o.Closed}
	for conn, texts := range o.Got {
		for _, text := range texts {
			f.Got[conn] = append(f.Got[conn], r.fill(text))
		}
	}
	if o.Response != nil {
		f.Response = &response{o.Response.Status, o.Response.ContentType, r.fill(o.Response.Body)}
	}
	return f
}

// signed puts the signature for a connection into its subscription, or its sign-in.
func (r *replay) signed(conn, text string) string {
	if strings.Contains(text, "{user_auth}") {
		return r.signedIn(conn, text)
	}
	if !strings.Contains(text, "{auth}") {
		return text
	}
	var m struct {
		Data struct {
			Channel     string `json:"channel"`
			ChannelData string `json:"channel_data"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.t.Fatalf("%s: %v", text, err)
	}
	key := r.keys[conn]
	signing := r.ids[conn] + ":" + m.Data.Channel
	if m.Data.ChannelData != "" {
		signing += ":" + m.Data.ChannelData
	}
	return strings.ReplaceAll(text, "{auth}", key+":"+sign(r.secrets[key], signing))
}

func (r *replay) signedIn(conn, text string) string {
	var m struct {
		Data struct {
			UserData string `json:"user_data"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.t.Fatalf("%s: %v", text, err)
	}
	key := r.keys[conn]
	return strings.ReplaceAll(text, "{user_auth}", key+":"+sign(r.secrets[key], r.ids[conn]+"::user::"+m.Data.UserData))
}

func (r *replay) request(c call) *response {
	body := r.fill(c.Body)
	query := url.Values{}
	for name, value := range c.Query {
		query.Set(name, value)
	}
	if c.Sign != nil && !*c.Sign {
		return r.driver.request(c.Method, c.Path+"?"+query.Encode(), body)
	}
	secret := r.secrets[c.App]
	if c.Secret != "" {
		secret = c.Secret
	}
	return r.driver.request(c.Method, signTarget(c.App, secret, c.Method, c.Path, query, body, r.driver.now()), body)
}

// sign and signTarget are written from Pusher's documentation, not from the server's code.
func sign(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// signTarget returns the target of a signed request. What query has already is left alone.
func signTarget(key, secret, method, path string, query url.Values, body string, now time.Time) string {
	all := url.Values{"auth_key": {key}, "auth_timestamp": {strconv.FormatInt(now.Unix(), 10)}, "auth_version": {"1.0"}}
	if body != "" {
		all.Set("body_md5", fmt.Sprintf("%x", md5.Sum([]byte(body))))
	}
	maps.Copy(all, query)
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, name+"="+all.Get(name))
	}
	all.Set("auth_signature", sign(secret, method+"\n"+path+"\n"+strings.Join(pairs, "&")))
	return path + "?" + all.Encode()
}

// replayConfig is the configuration that both drivers serve.
func replayConfig(t *testing.T, file string) config.Config {
	t.Helper()
	conf, err := config.Load(map[string]string{"config": file}, func(string) (string, bool) { return "", false }, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return conf
}
