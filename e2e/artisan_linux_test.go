package e2e

import (
	"strconv"
	"testing"
	"time"
)

// php artisan reverb:restart with the application's cache in Redis: it writes the time to a key that the server polls.
func TestArtisanRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	redis := startRedisIn(t, dir)
	artisan := func(key string) {
		run(t, dir, "redis-cli", "-s", redis, "-n", "1", "SET", key, strconv.FormatInt(time.Now().UnixNano(), 10))
	}
	const key = "my_shop_database_my_shop_cache_laravel:reverb:restart"
	artisan(key) // long ago

	s := &server{port: freePort(t), dir: dir, binary: serverBinary}
	s.args = []string{"--dev", "--debug=false", "--port", strconv.Itoa(s.port)}
	s.env = []string{"CACHE_STORE=redis", "APP_NAME=My Shop", "REDIS_HOST=" + redis}
	must(t, s.start())
	defer func() { must(t, s.stop()) }()
	must(t, s.awaitReady())
	first := s.serving(t)
	for range 2 {
		was := s.serving(t)
		await(t, "a new process", func() bool { // the server may not have looked for the first time
			artisan(key)
			time.Sleep(time.Second)
			return s.serving(t) != was
		})
	}
	if s.serving(t) == first {
		t.Error("the first process serves")
	}
}
