package config_test

import (
	"slices"
	"strings"
	"testing"
)

func TestRestartSignal(t *testing.T) {
	const key = "laravel:reverb:restart"
	both := func(underscores, dashes string) []string {
		return []string{underscores + key, underscores + ":" + key, dashes + key, dashes + ":" + key}
	}
	one := func(prefix string) []string { return []string{prefix + key, prefix + ":" + key} }
	tests := []struct {
		name string
		in   sources
		keys []string
		db   int
		note string
	}{
		{"no cache", dotenv("REDIS_HOST=h"), nil, 0, ""},
		{"a cache elsewhere", dotenv("CACHE_STORE=database"), nil, 0, ""},
		{"Laravel's defaults", dotenv("CACHE_STORE=redis\nAPP_NAME=Laravel"), both("laravel_database_laravel_cache_", "laravel-database-laravel-cache-"), 1, ""},
		{"without a name", dotenv("CACHE_STORE=redis"), both("laravel_database_laravel_cache_", "laravel-database-laravel-cache-"), 1, ""},
		{"the old name of the store", dotenv("CACHE_DRIVER=redis\nAPP_NAME=x"), both("x_database_x_cache_", "x-database-x-cache-"), 1, ""},
		{"a name of several words", dotenv("CACHE_STORE=redis\nAPP_NAME=\"My - Shop_2 (new!) a@b.c\""),
			both("my_shop_2_new_a_at_bc_database_my_shop_2_new_a_at_bc_cache_", "my-shop-2-new-a-at-bc-database-my-shop-2-new-a-at-bc-cache-"), 1, ""},
		{"prefixes", dotenv("CACHE_STORE=redis\nREDIS_PREFIX=r_\nCACHE_PREFIX=c_\nREDIS_CACHE_DB=3"), one("r_c_"), 3, ""},
		{"empty prefixes", dotenv("CACHE_STORE=redis\nREDIS_PREFIX=\nCACHE_PREFIX="), one(""), 1, ""},
		{"a database in the URL", dotenv("CACHE_STORE=redis\nREDIS_PREFIX=r_\nCACHE_PREFIX=c_\nREDIS_URL=redis://h/4\nREDIS_CACHE_DB=3"), one("r_c_"), 4, ""},
		{"the whole key", dotenv("REVERB_RESTART_KEY=k"), []string{"k"}, 1, ""},
		{"turned off", dotenv("CACHE_STORE=redis\nREVERB_RESTART_KEY="), nil, 0, ""},
		{"a name that is transliterated", dotenv("CACHE_STORE=redis\nAPP_NAME=Bücher"), nil, 0, "set REVERB_RESTART_KEY to the whole key"},
		{"what is wrong with Redis is no reason not to start", dotenv("CACHE_STORE=redis\nREDIS_HOST=h:x"), nil, 0, "reverb:restart is not seen: REDIS_HOST in .env, line 5"},
		{"a reference to nothing", dotenv("CACHE_STORE=redis\nCACHE_PREFIX=${NOPE}"), nil, 0, "refers to ${NOPE}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.in.mustLoad(t)
			var keys []string
			db := 0
			if c.Signal != nil {
				keys, db = c.Signal.Keys, c.Signal.Redis.DB
			}
			if !slices.Equal(keys, tt.keys) || db != tt.db {
				t.Errorf("got %q in %d\nwant %q in %d", keys, db, tt.keys, tt.db)
			}
			if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}
