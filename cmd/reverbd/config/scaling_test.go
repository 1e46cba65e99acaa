package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"reflect"
	"testing"
	"time"

	"reverbd/broadcast/redis"
)

// scaled is .env with an application, scaling on, and more lines.
func scaled(text string) sources { return dotenv("REVERB_SCALING_ENABLED=true\n" + text) }

// scalingFile is a config file with one application, scaling on, and the keys below scaling.server.
func scalingFile(keys string) sources {
	return server("scaling: {enabled: true, server: {" + keys + "}}")
}

func TestScaling(t *testing.T) {
	base := redis.Options{Channel: "reverb", QueueBytes: 32 << 20, Addrs: []string{"127.0.0.1:6379"}}
	encrypted := &tls.Config{MinVersion: tls.VersionTLS12}
	tests := []struct {
		name string
		in   sources
		want func(*redis.Options)
	}{
		{"alone", scaled(""), func(*redis.Options) {}},
		{"PHP's empty array", server("scaling: {enabled: true, channel: reverb, server: []}"), func(*redis.Options) {}},
		{"Laravel's .env", scaled("REDIS_CLIENT=phpredis\nREDIS_HOST=127.0.0.1\nREDIS_PASSWORD=null\nREDIS_PORT=6379"), func(*redis.Options) {}},
		{"Laravel's config, dumped", yaml(`{"servers":{"reverb":{"scaling":{"enabled":true,"channel":"live","server":{"url":null,"host":"redis","port":"6380",
"username":"app","password":"p\/w","database":"3","options":{"prefix":"x"}}}}},"apps":{"apps":[{"app_id":"1","key":"k","secret":"s"}]}}`), func(o *redis.Options) {
			o.Channel, o.Addrs, o.Username, o.Password, o.DB = "live", []string{"redis:6380"}, "app", "p/w", 3
		}},
		{"all names", scaled("REVERB_SCALING_CHANNEL=c\nREVERB_SCALING_QUEUE_BYTES=65536\nREDIS_HOST=h\nREDIS_PORT=1\nREDIS_USERNAME=u\nREDIS_PASSWORD='p w'\nREDIS_DB=2"), func(o *redis.Options) {
			*o = redis.Options{Channel: "c", QueueBytes: 65536, Addrs: []string{"h:1"}, Username: "u", Password: "p w", DB: 2}
		}},
		{"environment before file", scalingFile("host: file, password: f").with(map[string]string{"REDIS_HOST": "env"}), func(o *redis.Options) {
			o.Addrs, o.Password = []string{"env:6379"}, "f"
		}},
		{"queue in the file", server("scaling: {enabled: true, queue_bytes: 70000}"), func(o *redis.Options) { o.QueueBytes = 70000 }},
		{"URL", scaled("REDIS_URL=redis://u:p%2Fw@h:7/4"), func(o *redis.Options) {
			o.Addrs, o.Username, o.Password, o.DB = []string{"h:7"}, "u", "p/w", 4
		}},
		{"URL wins, and what it leaves out is looked up", scaled("REDIS_URL=redis://h\nREDIS_HOST=tls://other\nREDIS_PORT=7\nREDIS_PASSWORD=p\nREDIS_DB=2"), func(o *redis.Options) {
			o.Addrs, o.Password, o.DB = []string{"h:7"}, "p", 2
		}},
		{"URL with the password alone", scaled("REDIS_URL=redis://:p@h"), func(o *redis.Options) { o.Addrs, o.Password = []string{"h:6379"}, "p" }},
		{"URL with the database as a parameter", scaled("REDIS_URL='redis://h?db=5'"), func(o *redis.Options) { o.Addrs, o.DB = []string{"h:6379"}, 5 }},
		{"URL with a raw password", scaled("REDIS_URL='redis://u:p@s^s[x]:100%@h'"), func(o *redis.Options) {
			o.Addrs, o.Username, o.Password = []string{"h:6379"}, "u", "p@s^s[x]:100%"
		}},
		{"URL with what is no escape", scaled("REDIS_URL=redis://:a%zz%41@h"), func(o *redis.Options) { o.Addrs, o.Password = []string{"h:6379"}, "a%zzA" }},
		{"URL with credentials as parameters", scaled("REDIS_URL='redis://h?username=u&password=x%26y'"), func(o *redis.Options) {
			o.Addrs, o.Username, o.Password = []string{"h:6379"}, "u", "x&y"
		}},
		{"empty values", scaled("REDIS_URL=\nREDIS_SCHEME=\nREDIS_HOST=\nREDIS_PORT=\nREDIS_USERNAME=\nREDIS_PASSWORD=\nREDIS_DB=\nREDIS_PATH="), func(*redis.Options) {}},
		{"a socket by its path", scaled("REDIS_SCHEME=unix\nREDIS_PATH=/run/redis/redis.sock\nREDIS_HOST=127.0.0.1"), func(o *redis.Options) {
			o.Addrs = []string{"/run/redis/redis.sock"}
		}},
		{"URL with TLS", scaled("REDIS_URL=rediss://h"), func(o *redis.Options) { o.Addrs, o.TLS = []string{"h:6379"}, encrypted }},
		{"URL with tls", scaled("REDIS_URL=tls://h:1"), func(o *redis.Options) { o.Addrs, o.TLS = []string{"h:1"}, encrypted }},
		{"URL of a socket", scaled("REDIS_URL='unix://u:p@/run/r.sock?db=1'"), func(o *redis.Options) {
			o.Addrs, o.Username, o.Password, o.DB = []string{"/run/r.sock"}, "u", "p", 1
		}},
		{"URL in the file", scalingFile("url: 'rediss://u:p@[::1]:9'"), func(o *redis.Options) {
			o.Addrs, o.Username, o.Password, o.TLS = []string{"[::1]:9"}, "u", "p", encrypted
		}},
		{"empty URL", scaled("REDIS_URL=\nREDIS_HOST=h"), func(o *redis.Options) { o.Addrs = []string{"h:6379"} }},
		{"host with tls", scaled("REDIS_HOST=tls://h"), func(o *redis.Options) { o.Addrs, o.TLS = []string{"h:6379"}, encrypted }},
		{"host with tls and a port", scaled("REDIS_HOST=tls://h:6380\nREDIS_PORT=1"), func(o *redis.Options) { o.Addrs, o.TLS = []string{"h:6380"}, encrypted }},
		{"host with tcp", scaled("REDIS_HOST=tcp://h"), func(o *redis.Options) { o.Addrs = []string{"h:6379"} }},
		{"scheme", scalingFile("scheme: tls, host: h"), func(o *redis.Options) { o.Addrs, o.TLS = []string{"h:6379"}, encrypted }},
		{"scheme in the environment", scaled("REDIS_SCHEME=rediss"), func(o *redis.Options) { o.TLS = encrypted }},
		{"IPv6", scaled("REDIS_HOST=::1"), func(o *redis.Options) { o.Addrs = []string{"[::1]:6379"} }},
		{"a socket as Laravel's page has it", scaled("REDIS_HOST=/run/redis.sock\nREDIS_PORT=0"), func(o *redis.Options) { o.Addrs = []string{"/run/redis.sock"} }},
		{"a socket as Predis has it", scalingFile("scheme: unix, path: /run/redis.sock"), func(o *redis.Options) { o.Addrs = []string{"/run/redis.sock"} }},
		{"a user without a password", scaled("REDIS_USERNAME=default"), func(*redis.Options) {}},
		{"Cluster", scaled("REVERB_REDIS_CLUSTER=true\nREDIS_HOST='a, b:7001,c'"), func(o *redis.Options) {
			o.Cluster, o.Addrs = true, []string{"a:6379", "b:7001", "c:6379"}
		}},
		{"Cluster in the file", scalingFile("cluster: true, host: [a, b], port: 7000"), func(o *redis.Options) {
			o.Cluster, o.Addrs = true, []string{"a:7000", "b:7000"}
		}},
		{"Cluster with TLS", scaled("REVERB_REDIS_CLUSTER=true\nREDIS_HOST=tls://a,tls://b"), func(o *redis.Options) {
			o.Cluster, o.Addrs, o.TLS = true, []string{"a:6379", "b:6379"}, encrypted
		}},
		{"Sentinel", scaled("REVERB_REDIS_SENTINEL_MASTER=m\nREVERB_REDIS_SENTINELS=a,b:1\nREVERB_REDIS_SENTINEL_USERNAME=su\nREVERB_REDIS_SENTINEL_PASSWORD=sp\n" +
			"REDIS_PASSWORD=p\nREDIS_HOST=h\nREDIS_PORT=6379"), func(o *redis.Options) {
			o.Master, o.Addrs = "m", []string{"a:26379", "b:1"}
			o.SentinelUsername, o.SentinelPassword, o.Password = "su", "sp", "p"
		}},
		{"Sentinels in REDIS_HOST", scaled("REVERB_REDIS_SENTINEL_MASTER=m\nREDIS_HOST=a,b\nREDIS_PORT=6379"), func(o *redis.Options) {
			o.Master, o.Addrs = "m", []string{"a:26379", "b:26379"}
		}},
		{"Sentinel with a URL for the rest", scaled("REVERB_REDIS_SENTINEL_MASTER=m\nREVERB_REDIS_SENTINELS=a\nREDIS_URL=rediss://u:p@m/2"), func(o *redis.Options) {
			o.Master, o.Addrs, o.Username, o.Password, o.DB, o.TLS = "m", []string{"a:26379"}, "u", "p", 2, encrypted
		}},
		{"Sentinel in the file", scalingFile("sentinel: {master: m, hosts: [a, b], username: su, password: sp}"), func(o *redis.Options) {
			o.Master, o.Addrs, o.SentinelUsername, o.SentinelPassword = "m", []string{"a:26379", "b:26379"}, "su", "sp"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := base
			tt.want(&want)
			if got := *tt.in.mustLoad(t).Scaling; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestScalingRefused(t *testing.T) {
	tests := []struct {
		name string
		in   sources
		want string
	}{
		{"channel: empty", scaled("REVERB_SCALING_CHANNEL="), `REVERB_SCALING_CHANNEL in .env, line 5: "" cannot begin names in Redis; give 1 to 100 bytes`},
		{"channel: braces", server("scaling: {enabled: true, channel: '{a}'}"), `servers.reverb.scaling.channel in c.yaml, line 4: "{a}" cannot begin`},
		{"queue", scaled("REVERB_SCALING_QUEUE_BYTES=1"), `REVERB_SCALING_QUEUE_BYTES in .env, line 5: "1" is not a size in bytes; give a number from 65536`},
		{"URL: another scheme", scaled("REDIS_URL=http://h"), `REDIS_URL in .env, line 5: is not a URL of Redis; give redis://user:password@host:6379/0`},
		{"URL: bare host", scaled("REDIS_URL=redis.internal"), `is not a URL of Redis`},
		{"URL: in the file", scalingFile("url: 'redis://'"), `servers.reverb.scaling.server.url in c.yaml, line 4: is not a URL of Redis`},
		{"URL: hosts", scaled("REDIS_URL=redis://a,b"), `is not a URL of Redis`},
		{"URL: database", scaled("REDIS_URL=redis://h/x"), `REDIS_URL in .env, line 5: "x" is not a number of a database; give a number from 0`},
		{"URL: relative socket", scaled("REDIS_URL=unix://redis.sock"), `is not a URL of Redis`},
		{"host: scheme", scaled("REDIS_HOST=http://h"), `REDIS_HOST in .env, line 5: is not a host of Redis`},
		{"host: port", scaled("REDIS_HOST=h:0"), `is not a host of Redis`},
		{"host: one of several", scalingFile("cluster: true, host: [a, 'b c']"), `servers.reverb.scaling.server.host[1] in c.yaml, line 4: is not a host of Redis`},
		{"host: several", scaled("REDIS_HOST=a,b"), `REDIS_HOST in .env, line 5: has more than one host; set REVERB_REDIS_CLUSTER=true`},
		{"host: schemes differ", scaled("REVERB_REDIS_CLUSTER=1\nREDIS_HOST=tls://a,tcp://b"), `the hosts have different schemes`},
		{"port", scaled("REDIS_PORT=x"), `REDIS_PORT in .env, line 5: "x" is not a port`},
		{"database", scaled("REDIS_DB=x"), `REDIS_DB in .env, line 5: "x" is not a number of a database`},
		{"database of a cluster", scaled("REDIS_DB=1\nREVERB_REDIS_CLUSTER=true"), `REDIS_DB in .env, line 5: a Redis Cluster has the database 0 alone`},
		{"scheme", scaled("REDIS_SCHEME=https"), `REDIS_SCHEME in .env, line 5: "https" is not a scheme of Redis; give tcp, tls or unix`},
		{"socket without a path", scalingFile("scheme: unix, host: h"), `is no socket, as the scheme says`},
		{"socket with TLS", scaled("REDIS_SCHEME=tls\nREDIS_HOST=/run/r.sock"), `there is no TLS on a unix socket`},
		{"socket of a cluster", scaled("REVERB_REDIS_CLUSTER=1\nREDIS_HOST=/run/r.sock"), `a unix socket leads to one Redis`},
		{"Sentinels without a master", scaled("REVERB_REDIS_SENTINELS=a"), `REVERB_REDIS_SENTINELS in .env, line 5: Sentinels are asked for a master by its name; set REVERB_REDIS_SENTINEL_MASTER`},
		{"Sentinel and Cluster", scaled("REVERB_REDIS_SENTINEL_MASTER=m\nREVERB_REDIS_CLUSTER=1"), `Sentinel and Redis Cluster exclude each other`},
		{"unknown reference", scaled(`REDIS_PASSWORD="${NOPE}"`), `REDIS_PASSWORD in .env, line 5: refers to ${NOPE}, which neither`},
		{"unknown key of sentinel", scalingFile("sentinel: {name: m}"), `servers.reverb.scaling.server.sentinel.name in c.yaml, line 4: unknown key`},
		{"TLS files without TLS", scaled("REVERB_REDIS_CA_FILE=ca.pem"), `REVERB_REDIS_CA_FILE in .env, line 5: is for TLS, which is not on; write rediss://`},
		{"CA: no file", scaled("REDIS_SCHEME=tls\nREVERB_REDIS_CA_FILE=ca.pem"), `REVERB_REDIS_CA_FILE in .env, line 6: cannot read "ca.pem": no such file or directory; name a file with the certificate`},
		{"CA: no certificate", scaled("REDIS_SCHEME=tls\nREVERB_REDIS_CA_FILE=.env"), `".env" has no certificate in it`},
		{"certificate without a key", scaled("REDIS_SCHEME=tls\nREVERB_REDIS_CERT_FILE=c.pem"), `has no key; set REVERB_REDIS_KEY_FILE too`},
		{"key without a certificate", scaled("REDIS_SCHEME=tls\nREVERB_REDIS_KEY_FILE=c.pem"), `has no certificate; set REVERB_REDIS_CERT_FILE too`},
		{"certificate: no PEM", scaled("REDIS_SCHEME=tls\nREVERB_REDIS_CERT_FILE=.env\nREVERB_REDIS_KEY_FILE=.env"), `does not fit to its key`},
		{"verify", scalingFile("scheme: tls, ssl: {verify_peer: maybe}"), `servers.reverb.scaling.server.ssl.verify_peer in c.yaml, line 4: "maybe" is neither yes nor no`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.mustRefuse(t, tt.want)
		})
	}
}

func TestScalingNotes(t *testing.T) {
	s := scaled("REDIS_URL='rediss://h?read_timeout=60&prefix=x'\nREDIS_TIMEOUT=60\nREDIS_USERNAME=u\nREVERB_REDIS_VERIFY=no")
	want := []string{
		"REDIS_TIMEOUT in .env, line 6: not used; reverbd never stops trying to reach Redis",
		"REDIS_URL in .env, line 5: ignored, since it is not for this server: prefix, read_timeout",
		"the Redis user is not used, since there is no password for him",
		"REVERB_REDIS_VERIFY in .env, line 8: the certificate of Redis is not checked; whoever is between can read and change everything",
	}
	c := s.mustLoad(t)
	if !reflect.DeepEqual(c.Notes, want) {
		t.Errorf("got %q", c.Notes)
	}
	if !c.Scaling.TLS.InsecureSkipVerify {
		t.Error("the certificate is checked")
	}
}

func TestScalingWithCertificates(t *testing.T) {
	cert, key := certificate(t)
	s := scaled("REDIS_HOST=tls://h\nREVERB_REDIS_CA_FILE=ca.pem\nREVERB_REDIS_CERT_FILE=c.pem\nREVERB_REDIS_KEY_FILE=k.pem\nREVERB_REDIS_SERVER_NAME=redis.test")
	maps.Copy(s.files, map[string]string{"ca.pem": cert, "c.pem": cert, "k.pem": key})
	c := s.mustLoad(t).Scaling.TLS
	if c.ServerName != "redis.test" || c.RootCAs == nil || c.InsecureSkipVerify {
		t.Errorf("got %+v", c)
	}
	pair, err := c.GetClientCertificate(nil)
	if err != nil || len(pair.Certificate) != 1 {
		t.Errorf("client certificate: %v, %v", pair, err)
	}
}

func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}
