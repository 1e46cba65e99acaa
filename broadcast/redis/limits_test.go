package redis

import (
	"testing"
)

func TestReadLimits(t *testing.T) {
	r := startRedis(t, "--maxclients", "321", "--client-output-buffer-limit", "pubsub 40mb 10mb 30")
	got, err := ReadLimits(t.Context(), Options{Channel: "x", Addrs: []string{r.path()}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Clients < 1 || got.MaxClients != 321 || got.PubSubHard != 40<<20 || got.PubSubSoft != 10<<20 || got.PubSubSeconds != 30 || got.Own < 3 {
		t.Errorf("%+v", got)
	}
}

// Hosted Redis refuses CONFIG; what INFO tells is returned.
func TestReadLimitsWithoutConfig(t *testing.T) {
	r := startRedis(t, "--rename-command", "CONFIG", "")
	got, err := ReadLimits(t.Context(), Options{Channel: "x", Addrs: []string{r.path()}})
	if err != nil || got.Clients < 1 || got.MaxClients != -1 || got.PubSubHard != -1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadLimitsUnreachable(t *testing.T) {
	if _, err := ReadLimits(t.Context(), Options{Channel: "x", Addrs: []string{t.TempDir() + "/none.sock"}}); err == nil {
		t.Error("somebody answered")
	}
}

// A user who may not call INFO and CONFIG, as docs/scaling.md has it, uses Redis all the same: what is not told is not known.
func TestReadLimitsWithoutPermission(t *testing.T) {
	r := startRedis(t)
	r.client.Do(t.Context(), "ACL", "SETUSER", "node", "on", ">secret", "~x:*", "&x:*", "+@all", "-@admin", "-@dangerous")
	o := Options{Channel: "x", Addrs: []string{r.path()}, Username: "node", Password: "secret"}
	got, err := ReadLimits(t.Context(), o)
	if err != nil || got.Clients != -1 || got.MaxClients != -1 || got.PubSubHard != -1 || got.Own < 3 {
		t.Errorf("%+v, %v", got, err)
	}
	o.Password = "wrong"
	if _, err := ReadLimits(t.Context(), o); err == nil {
		t.Error("a wrong password is no error")
	}
}
