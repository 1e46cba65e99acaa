package apps

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"reverbd/apps/webhook"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// Registry finds an application by its id or key, both compared as strings. Its applications are replaced as a whole: a
// lookup sees either all old or all new ones, and never waits. Safe for concurrent use.
type Registry struct {
	hub     *broadcast.Hub
	current atomic.Pointer[catalog]
	mu      sync.Mutex // held by Replace
}

// catalog is the applications of one configuration. It never changes.
type catalog struct {
	apps  []*App
	byKey map[string]*App
	byID  map[string]*App
}

// NewRegistry makes the applications known, each with its channels in hub. The error joins all problems.
func NewRegistry(hub *broadcast.Hub, settings []Settings) (*Registry, error) {
	r := &Registry{hub: hub}
	r.current.Store(&catalog{})
	_, err := r.Replace(settings)
	return r, err
}

// Apps returns all applications in the order in which they were configured.
func (r *Registry) Apps() []*App { return r.current.Load().apps }

// Clustered reports that this is one of several nodes, so that some answers wait for the others.
func (r *Registry) Clustered() bool { return !r.hub.Standalone() }

// ByKey returns the application that clients name by key, or nil.
func (r *Registry) ByKey(key string) *App { return r.current.Load().byKey[key] }

// ByID returns the application that servers name by id, or nil.
func (r *Registry) ByID(id string) *App { return r.current.Load().byID[id] }

// Replacement lists the ids of the applications that a replacement added, changed, disabled and removed.
type Replacement struct{ Added, Changed, Disabled, Removed []string }

// Replace puts these applications in the place of those that are known. One with the id of a known one is the same application:
// it keeps its channels and connections, and the new settings hold for these at once, except for what only a connection that is
// being made is checked against (key, origin, max_connections). The connections of an application that is gone are closed with 4001, those of
// one that is disabled with 4003. The error joins all problems, and nothing has changed then.
func (r *Registry) Replace(settings []Settings) (Replacement, error) {
	if err := check(settings); err != nil {
		return Replacement{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var changes Replacement
	old := r.current.Load()
	next := &catalog{byKey: make(map[string]*App, len(settings)), byID: make(map[string]*App, len(settings))}
	for _, s := range settings {
		a := old.byID[s.ID]
		switch {
		case a == nil:
			a = newApp(s, r.hub.NewDirectory(s.ID))
			changes.Added = append(changes.Added, s.ID)
		case a.with(s) != a:
			changes.Changed = append(changes.Changed, s.ID)
			if s.Disabled && !a.Disabled {
				changes.Disabled = append(changes.Disabled, s.ID)
			}
			a = a.with(s)
		}
		next.apps = append(next.apps, a)
		next.byID[s.ID], next.byKey[s.Key] = a, a
	}
	for _, a := range old.apps {
		if next.byID[a.ID] == nil {
			changes.Removed = append(changes.Removed, a.ID)
		}
	}
	r.install(next)
	r.disconnect(old, changes)
	return changes, nil
}

// install makes the catalog the current one. A connection looks its app up and is counted in one task of its loop, so a task
// posted from now on that disconnects an app reaches every connection that was accepted by the old catalog.
func (r *Registry) install(next *catalog) {
	for _, a := range next.apps {
		a.Channels.SetErrorText(a.ErrorData == ErrorDataString)
		a.Channels.SetMaxMembers(a.Limits.Members)
		a.Channels.SetCounts(a.SubscriptionCount)
		a.state.latest.Store(a)
		a.Channels.Report(webhook.Reported(a.Webhooks))
	}
	r.current.Store(next)
}

// disconnect closes the connections of disabled and removed applications.
func (r *Registry) disconnect(old *catalog, changes Replacement) {
	for _, id := range changes.Disabled {
		old.byID[id].Channels.Disconnect(pusher.ErrDisabled)
	}
	for _, id := range changes.Removed {
		d := old.byID[id].Channels
		d.Disconnect(pusher.ErrUnknownApp)
		r.hub.RemoveDirectory(d)
	}
}

// check returns all problems of the settings, joined.
func check(settings []Settings) error {
	var problems []error
	ids, keys := make(map[string]bool), make(map[string]string)
	for _, s := range settings {
		switch first, taken := keys[s.Key]; {
		case s.ID == "" || s.Key == "" || s.Secret == "":
			problems = append(problems, fmt.Errorf("apps: app %q needs an id, a key and a secret", s.ID))
		case ids[s.ID]:
			problems = append(problems, fmt.Errorf("apps: two apps have the id %q", s.ID))
		case taken:
			problems = append(problems, fmt.Errorf("apps: the apps %q and %q have the same key", first, s.ID))
		default:
			ids[s.ID], keys[s.Key] = true, s.ID
		}
	}
	return errors.Join(problems...)
}
