package apps_test

import (
	"strings"
	"testing"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/broadcast"
)

func app(id, key string) apps.Settings {
	return apps.Settings{ID: id, Key: key, Secret: "secret"}
}

func TestRegistryFindsApps(t *testing.T) {
	r, err := apps.NewRegistry(broadcast.NewHub(broadcast.Options{}), []apps.Settings{
		app("1000", "key-a"), app("1e3", "KEY-A"), app("01000", "1000"),
	})
	if err != nil {
		t.Fatal(err)
	}
	find := map[string]func(string) *apps.App{"by id": r.ByID, "by key": r.ByKey}
	tests := []struct{ name, by, text, want string }{
		{"an id", "by id", "1000", "1000"},
		{"an id that is the same number", "by id", "1e3", "1e3"},
		{"an id with a zero in front", "by id", "01000", "01000"},
		{"a key", "by key", "key-a", "1000"},
		{"a key in capitals", "by key", "KEY-A", "1e3"},
		{"a key that is another's id", "by key", "1000", "01000"},
		{"an id is no key", "by key", "1e3", ""},
		{"a key is no id", "by id", "key-a", ""},
		{"nothing", "by id", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if a := find[tt.by](tt.text); a != nil {
				got = a.ID
			}
			if got != tt.want {
				t.Errorf("%s %q: app %q, want %q", tt.by, tt.text, got, tt.want)
			}
		})
	}
	var order []string
	for _, a := range r.Apps() {
		order = append(order, a.ID)
	}
	if got := strings.Join(order, " "); got != "1000 1e3 01000" {
		t.Errorf("apps in the order %q", got)
	}
}

func TestRegistryTellsAllProblems(t *testing.T) {
	_, err := apps.NewRegistry(broadcast.NewHub(broadcast.Options{}), []apps.Settings{
		app("a", "key"), app("a", "other"), app("b", "key"), {ID: "c"}, app("", "k"),
	})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`apps: two apps have the id "a"`,
		`apps: the apps "a" and "b" have the same key`,
		`apps: app "c" needs an id, a key and a secret`,
		`apps: app "" needs an id, a key and a secret`,
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("the error is\n%s", got)
	}
}

// The same channel of two apps is two channels.
func TestAppsShareNothing(t *testing.T) {
	s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("a"), appstest.App("b")}, Loops: 1})
	a, b := s.Connect("a"), s.Connect("b")
	a.Send(subscribe("news"))
	b.Send(subscribe("news"))
	a.Received()
	b.Received()
	s.Publish("a", "news", "e", "1")
	wantTexts(t, "a", a, `{"event":"e","data":"1","channel":"news"}`)
	wantTexts(t, "b", b)
	b.Send(`{"event":"client-x","channel":"news","data":1}`)
	wantTexts(t, "a", a)
	if got := s.Registry.ByID("a-id").Connections(); got != 1 {
		t.Errorf("app a has %d connections", got)
	}
}
