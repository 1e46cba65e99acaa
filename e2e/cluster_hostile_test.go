package e2e

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Foreign messages on the nodes' channels are dropped and logged at most once a minute; no client gets them, and the nodes keep working.
func TestClusterHostileInput(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	nodes := startNodes(t, 2, r.env())
	x := newRecoveryCheck(t, r, nodes)
	genuine := recordMessages(t, r, func() {
		nodes[0].publish(checkNews, "recorded", "1")
		nodes[0].publish(checkCache, "recorded", "1")
		w := entered(t, nodes[1], checkRoom, "passing")
		nodes[0].ask("/channels", "")
		w.close()
		a, err := nodes[0].call("POST", "/apps/"+appID+"/users/nobody/terminate_connections", "", "{}")
		if err != nil || a.status != 200 {
			t.Fatal(a, err)
		}
		for _, other := range x.all {
			other.await(clientTimeout, "him to go", func() bool { return len(other.members(checkRoom)) == 2 })
		}
	})
	if len(genuine) < 4 {
		t.Fatalf("only %d messages were recorded", len(genuine))
	}
	before := make([][]string, len(x.all))
	for i, w := range x.all {
		before[i] = w.names(checkNews)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var messages [][2]string
	for _, channel := range slices.Compact(slices.Sorted(slices.Values(r.lines("pubsub", "channels")))) {
		for _, text := range []string{"", "x", "\xff\xfe", "{}", `{"type":"message","application":"O:8:\"stdClass\":0:{}"}`, strings.Repeat("y", 4<<20), "\x00\x00\x00\x00"} {
			messages = append(messages, [2]string{channel, text})
		}
		for _, m := range genuine {
			messages = append(messages, [2]string{channel, m.text}) // replayed on its own channel and on another one
			for range 20 {
				messages = append(messages, [2]string{channel, damaged(random, m.text)})
			}
		}
	}
	for _, m := range messages {
		cli := exec.Command(requireProgram(t, "redis-cli"), append(slices.Clone(r.cliArgs), "-x", "publish", m[0])...)
		cli.Stdin = strings.NewReader(m[1])
		if out, err := cli.CombinedOutput(); err != nil {
			t.Fatal(string(out), err)
		}
	}
	x.recovered("user-0", "user-1")
	for i, w := range x.all {
		got := slices.DeleteFunc(w.names(checkNews)[len(before[i]):], func(name string) bool { return strings.HasPrefix(name, "after-") })
		if len(got) > 0 {
			t.Errorf("client %d got what nobody of ours published: %v", i, got)
		}
		for _, m := range w.received(checkCache) {
			if m.Event != "recorded" && !strings.HasPrefix(m.Event, "after-") && m.Event != "pusher:cache_miss" {
				t.Errorf("client %d got %v", i, m)
			}
		}
	}
	for i, n := range nodes {
		if told := strings.Count(n.output.String(), "somebody else publishes"); told < 1 || told > 2 {
			t.Errorf("node %d tells %d times of %d messages", i, told, len(messages))
		}
	}
}

// damaged returns a message with some bytes changed, removed or added.
func damaged(random *rand.Rand, text string) string {
	b := []byte(text)
	switch random.IntN(4) {
	case 0:
		return string(b[:random.IntN(len(b))])
	case 1:
		return text + string(rune(random.IntN(256)))
	case 2: // digits, which are lengths and counts
		for i := range b {
			if b[i] >= '0' && b[i] <= '9' && random.IntN(3) == 0 {
				b[i] = byte('0' + random.IntN(10))
			}
		}
		if string(b) == text {
			b[0] ^= 1
		}
	default:
		b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
	}
	return string(b)
}

// recorded is one message that went over Redis.
type recorded struct{ channel, text string }

// recordMessages returns what is published while f runs.
func recordMessages(t *testing.T, r *redisServer, f func()) (all []recorded) {
	t.Helper()
	spy := startProgram(t, t.TempDir(), "redis-cli", append(slices.Clone(r.cliArgs), "--csv", "psubscribe", "*")...)
	spy.await(t, "the subscription", func() bool { return strings.Contains(spy.output.String(), "psubscribe") })
	f()
	spy.stop(t)
	for line := range strings.Lines(spy.output.String()) {
		fields, err := parseCSV(strings.TrimSpace(line))
		if err == nil && len(fields) == 4 && fields[0] == "pmessage" {
			all = append(all, recorded{fields[2], fields[3]})
		}
	}
	return all
}

// parseCSV reads a line of redis-cli --csv, which quotes as the C language does.
func parseCSV(line string) (fields []string, err error) {
	var field []byte
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			fields, field = append(fields, string(field)), nil
		case c == '\\' && i+1 < len(line):
			i++
			switch line[i] {
			case 'n':
				field = append(field, '\n')
			case 'r':
				field = append(field, '\r')
			case 't':
				field = append(field, '\t')
			case 'a':
				field = append(field, '\a')
			case 'b':
				field = append(field, '\b')
			case 'x':
				if i+2 >= len(line) {
					return nil, fmt.Errorf("cut off: %q", line)
				}
				b, err := hex.DecodeString(line[i+1 : i+3])
				if err != nil {
					return nil, err
				}
				field = append(field, b...)
				i += 2
			default:
				field = append(field, line[i])
			}
		default:
			field = append(field, c)
		}
	}
	return append(fields, string(field)), nil
}
