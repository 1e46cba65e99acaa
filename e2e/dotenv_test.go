package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pusher "github.com/pusher/pusher-http-go/v5"
)

// laravelEnv is a .env as a new Laravel application has it after install:broadcasting.
const laravelEnv = `APP_NAME=Laravel
APP_ENV=local
APP_KEY=base64:c29tZXRoaW5nIHRoYXQgcmV2ZXJiZCBpcyBub3QgdG8gcmVhZA==
APP_DEBUG=true
APP_URL=http://localhost

BCRYPT_ROUNDS=12

LOG_CHANNEL=stack
LOG_STACK=single

DB_CONNECTION=sqlite
# DB_HOST=127.0.0.1
# DB_PORT=3306

BROADCAST_CONNECTION=reverb
CACHE_STORE=database
# CACHE_PREFIX=

MAIL_FROM_ADDRESS="hello@example.com"
MAIL_FROM_NAME="${APP_NAME}"

AWS_USE_PATH_STYLE_ENDPOINT=false

VITE_APP_NAME="${APP_NAME}"

REVERB_APP_ID=614253
REVERB_APP_KEY=ohvpnvl6bnqmgtzy3pvu
REVERB_APP_SECRET="s3cr#t with a space"
REVERB_HOST="localhost"
REVERB_PORT=8080
REVERB_SCHEME=http
REVERB_SERVER_HOST=127.0.0.1
REVERB_SERVER_PORT=%d

VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"
VITE_REVERB_HOST="${REVERB_HOST}"
VITE_REVERB_PORT="${REVERB_PORT}"
VITE_REVERB_SCHEME="${REVERB_SCHEME}"
`

// TestLaravelDotenv starts reverbd without flags where Laravel's .env lies, and expects it to serve that application and no other.
func TestLaravelDotenv(t *testing.T) {
	t.Parallel()
	port, dir := freePort(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".env"), fmt.Appendf(nil, laravelEnv, port), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServerIn(t, dir, port)

	p := &pusher.Client{AppID: "614253", Key: "ohvpnvl6bnqmgtzy3pvu", Secret: "s3cr#t with a space", Host: s.addr()}
	c := dial(t, s, "/app/"+p.Key)
	c.nextEvent("pusher:connection_established")
	c.subscribe("orders", nil)
	must(t, p.Trigger("orders", `App\Events\Shipped`, map[string]int{"id": 1}))
	c.expect(`{"event":"App\\Events\\Shipped","data":"{\"id\":1}","channel":"orders"}`)

	other := dial(t, s, "/app/"+appKey)
	other.expectDismissal(4001, "Application does not exist")
	if out := s.output.String(); strings.Contains(out, p.Secret) || !strings.Contains(out, "614253") {
		t.Errorf("reverbd must say which application it serves, and not its secret:\n%s", out)
	}
}
