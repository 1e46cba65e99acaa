package admin

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// The page, and uPlot, which draws its charts (MIT; page/assets/uPlot.LICENSE).
//
//go:embed page
var assets embed.FS

func (s *Server) pages(mux *http.ServeMux) {
	root, _ := fs.Sub(assets, "page") // which is there: it is embedded
	files := http.FileServerFS(root)
	mux.Handle("GET /{$}", files)
	mux.Handle("GET /assets/", files)
	mux.HandleFunc("GET /api/history", s.showHistory)
	mux.HandleFunc("GET /api/channels", s.showChannels)
	mux.HandleFunc("GET /api/channel", s.showChannel)
	mux.HandleFunc("GET /api/connections", s.showConnections)
	mux.HandleFunc("GET /api/stream", s.stream)
	mux.HandleFunc("POST /api/end", s.endConnection)
	mux.HandleFunc("POST /api/publish", s.publish)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails where the client has gone
}

// app returns the app that a request names; where there is none it has answered.
func (s *Server) app(w http.ResponseWriter, r *http.Request) *apps.App {
	a := s.options.Registry.ByID(r.FormValue("app"))
	if a == nil {
		http.Error(w, "There is no such app.", http.StatusNotFound)
	}
	return a
}

func (s *Server) showHistory(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, s.history.of(r.FormValue("app"), r.FormValue("by") == "minute"))
}

// channelFacts is one channel of the page.
type channelFacts struct {
	Name        string            `json:"name"`
	Subscribers int               `json:"subscribers"` // connections, or users of a presence channel
	Users       []json.RawMessage `json:"users,omitempty"`
	Cached      json.RawMessage   `json:"cached,omitempty"` // the last event of a cache channel
}

func factsOf(c broadcast.Channel) channelFacts {
	f := channelFacts{Name: c.Name, Subscribers: c.Subscribers}
	if c.Kind.IsPresence() {
		f.Subscribers = c.Users
	}
	return f
}

// showChannels lists the busiest channels of the cluster.
func (s *Server) showChannels(w http.ResponseWriter, r *http.Request) {
	a := s.app(w, r)
	if a == nil {
		return
	}
	const most = 100
	list := []channelFacts{}
	for _, c := range a.Channels.Channels("") {
		if f := factsOf(c); strings.Contains(f.Name, r.FormValue("text")) {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b channelFacts) int {
		if a.Subscribers != b.Subscribers {
			return b.Subscribers - a.Subscribers
		}
		return strings.Compare(a.Name, b.Name)
	})
	writeJSON(w, map[string]any{"count": len(list), "channels": list[:min(len(list), most)]})
}

func (s *Server) showChannel(w http.ResponseWriter, r *http.Request) {
	a := s.app(w, r)
	if a == nil {
		return
	}
	const most = 200
	name := []byte(r.FormValue("name"))
	c := a.Channels.Channel(name)
	f := factsOf(c)
	f.Name = string(name)
	if c.Kind.IsPresence() {
		for _, id := range a.Channels.Users(name) {
			if len(f.Users) == most {
				break
			}
			f.Users = append(f.Users, json.RawMessage(id))
		}
	}
	if c.Last != nil {
		f.Cached = json.RawMessage(c.Last.Payload())
	}
	writeJSON(w, f)
}

func (s *Server) showConnections(w http.ResponseWriter, r *http.Request) {
	const most = 100
	if a := s.app(w, r); a != nil {
		list := s.options.Registry.Connections(a.ID, r.FormValue("text"), most)
		slices.SortFunc(list, func(a, b apps.Connection) int { return strings.Compare(a.ID, b.ID) })
		if list == nil {
			list = []apps.Connection{}
		}
		writeJSON(w, list)
	}
}

func (s *Server) endConnection(w http.ResponseWriter, r *http.Request) {
	id, ok := pusher.ParseSocketID(r.FormValue("socket"))
	if !ok || !s.options.Registry.End(id) {
		http.Error(w, "This node has no such connection.", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// maxEvent bounds what the page publishes, in bytes.
const maxEvent = 1 << 20

// publish publishes an event by the HTTP API, which checks it as everybody's.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxEvent)
	a := s.app(w, r)
	if a == nil {
		return
	}
	body, _ := json.Marshal(map[string]string{"name": r.FormValue("name"), "channel": r.FormValue("channel"), "data": r.FormValue("data")})
	path := "/apps/" + url.PathEscape(a.ID) + "/events"
	query := pusher.SignQuery(a.Key, a.Secret, http.MethodPost, path, nil, body, time.Now())
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://localhost"+s.options.Prefix+path+"?"+query, strings.NewReader(string(body)))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.options.API.ServeHTTP(w, q)
}
