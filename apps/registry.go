package apps

import (
	"errors"
	"fmt"

	"reverbd/broadcast"
)

// Registry finds an application by its id or key, both compared as strings. It never changes.
type Registry struct {
	apps  []*App
	byKey map[string]*App
	byID  map[string]*App
}

// NewRegistry makes the applications known, each with its channels in hub. The error joins all problems.
func NewRegistry(hub *broadcast.Hub, settings []Settings) (*Registry, error) {
	r := &Registry{byKey: map[string]*App{}, byID: map[string]*App{}}
	var problems []error
	for _, s := range settings {
		switch {
		case s.ID == "" || s.Key == "" || s.Secret == "":
			problems = append(problems, fmt.Errorf("apps: app %q needs an id, a key and a secret", s.ID))
		case r.byID[s.ID] != nil:
			problems = append(problems, fmt.Errorf("apps: two apps have the id %q", s.ID))
		case r.byKey[s.Key] != nil:
			problems = append(problems, fmt.Errorf("apps: the apps %q and %q have the same key", r.byKey[s.Key].ID, s.ID))
		default:
			a := &App{Settings: s, Channels: hub.NewDirectory(s.ID), origins: newOrigins(s.AllowedOrigins)}
			r.byID[s.ID], r.byKey[s.Key] = a, a
			r.apps = append(r.apps, a)
		}
	}
	return r, errors.Join(problems...)
}

// Apps returns all applications in the order in which they were configured.
func (r *Registry) Apps() []*App { return r.apps }

// ByKey returns the application that clients name by key, or nil.
func (r *Registry) ByKey(key string) *App { return r.byKey[key] }

// ByID returns the application that servers name by id, or nil.
func (r *Registry) ByID(id string) *App { return r.byID[id] }
