package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/cmd/reverbd/console"
)

// figures is what the page shows of the moment.
type figures struct {
	Version string        `json:"version"`
	Now     point         `json:"now"` // of the app that is chosen
	Apps    []appFigures  `json:"apps"`
	Loops   []loopFigures `json:"loops"`
	Redis   *redisFigures `json:"redis,omitempty"`
	Sockets int           `json:"sockets"`
	Slow    int64         `json:"slow"`
	Closed  []reason      `json:"closed"`
	Refused []reason      `json:"refused"`
	Answers []reason      `json:"answers"`
	Drains  bool          `json:"drains"`
}

type appFigures struct {
	ID          string `json:"id"`
	Key         string `json:"key"`
	Connections int    `json:"connections"`
}

type loopFigures struct {
	Connections int     `json:"connections"`
	Mailbox     int64   `json:"mailbox"`
	Busy        float64 `json:"busy"` // seconds since the start
	Longest     float64 `json:"longest"`
}

type redisFigures struct {
	Connected bool  `json:"connected"`
	Others    int   `json:"others"`
	Queue     int64 `json:"queue"`
	Dropped   int64 `json:"dropped"`
}

type reason struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// figuresOf returns what is shown with the app chosen.
func (s *Server) figuresOf(app string) figures {
	o, t := &s.options, s.history.latest()
	f := figures{Version: o.Version, Sockets: o.Server.Connections(), Slow: o.Server.Stats().SlowConsumers, Drains: o.Draining != nil && o.Draining()}
	for _, a := range o.Registry.Apps() {
		f.Apps = append(f.Apps, appFigures{a.ID, a.Key, a.Connections()})
	}
	for i := range t.Apps {
		if a := &t.Apps[i]; a.App == app && app != "" {
			f.Now = pointOf(a, time.Now())
			f.Closed, f.Refused, f.Answers = reasons(apps.Closings(), a), reasons(apps.Refusals(), a), reasons(apps.Answers(), a)
		}
	}
	for i := range t.Loops {
		l := &t.Loops[i]
		f.Loops = append(f.Loops, loopFigures{l.Connections, l.MailboxBytes, l.Busy.Seconds(), l.Longest().Seconds()})
	}
	if o.Redis != nil {
		r := o.Redis()
		f.Redis = &redisFigures{r.Connected, r.Peers, r.Queued, r.Dropped}
	}
	return f
}

func reasons(g apps.Group, a *broadcast.AppTotals) []reason {
	list := []reason{}
	g.Each(&a.Counters, func(labels []string, n uint64) { list = append(list, reason{labels[0] + " " + labels[1], n}) })
	return list
}

const (
	figuresEvery = time.Second
	linesEvery   = 100 * time.Millisecond
	maxLines     = 200 // in one message to the page
	writeTimeout = 10 * time.Second
)

// stream is the page's server-sent events: "figures" every second, and "lines" of the console if they are asked for.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(event string, v any) bool {
		data, err := json.Marshal(v)
		if err != nil {
			return false
		}
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, data)
		return err == nil && out.Flush() == nil
	}
	app := r.FormValue("app")
	var lines <-chan console.Line
	if r.FormValue("console") == "1" && s.options.Console != nil {
		reader := s.options.Console.Read(console.Filter{App: app, Channel: r.FormValue("channel")})
		defer reader.Close()
		lines = reader.Lines()
	}
	each, some := time.NewTicker(figuresEvery), time.NewTicker(linesEvery)
	defer each.Stop()
	defer some.Stop()
	going := send("figures", s.figuresOf(app))
	for going {
		select {
		case <-r.Context().Done():
			return
		case <-s.end:
			return
		case <-each.C:
			going = send("figures", s.figuresOf(app))
		case <-some.C:
			if batch := take(lines); len(batch) > 0 {
				going = send("lines", batch)
			}
		}
	}
}

// take returns what waits.
func take(lines <-chan console.Line) (batch []console.Line) {
	for len(batch) < maxLines {
		select {
		case l := <-lines:
			batch = append(batch, l)
		default:
			return batch
		}
	}
	return batch
}
