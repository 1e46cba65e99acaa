package e2e

import (
	"fmt"
	"strings"
	"testing"

	"reverbd/cmd/reverbd/config"
)

// Every transcript is replayed with two nodes, which must answer as one server.
func TestClusterTranscripts(t *testing.T) {
	t.Parallel()
	t.Run("recorded", func(t *testing.T) {
		replayOnTwoNodes(t, recordedConfigFile(t), readTranscripts(t, "testdata/transcripts", true))
	})
	t.Run("own", func(t *testing.T) { replayOnTwoNodes(t, configFile(t), readTranscripts(t, "testdata/own", false)) })
}

func replayOnTwoNodes(t *testing.T, file string, transcripts []transcript) {
	conf := replayConfig(t, file)
	env := startRedis(t).env()
	one, two := startNode(t, env, "--config", file), startNode(t, env, "--config", file)
	fence := newCrossFence(t, conf, one.server, two.server)
	for _, tr := range transcripts {
		t.Run(tr.Name, func(t *testing.T) {
			d := newProcessDriver(t, conf, one.server, two.server)
			d.others = fence
			d.together = tr.Name == "decision-03-quota" // which is a node's, not the cluster's
			newReplay(t, conf, d).run(tr)
			fence.fence(t) // and the members of presence channels have left
		})
	}
}

// crossFence waits until all messages between nodes have arrived: it sends an event and a member behind them.
type crossFence struct {
	drivers []*processDriver // one for each node, each with an observer and a member that joins and leaves
	count   int
}

const fenceRoom = "presence-fences"

func newCrossFence(t *testing.T, conf config.Config, servers ...*server) *crossFence {
	t.Helper()
	x := &crossFence{}
	for _, s := range servers {
		d := newProcessDriver(t, conf, s)
		x.drivers = append(x.drivers, d)
		for _, conn := range []string{"observer", "member"} {
			d.open(conn, "fences-key", "")
			established, _ := d.clients[conn].awaited(t, 1)
			d.clients[conn].id = strings.Split(strings.Split(strings.Join(established, ""), `socket_id\":\"`)[1], `\"`)[0]
		}
	}
	x.join(t, "observer", "observer")
	return x
}

// join makes one connection of each node a member of the room under a name of its node's.
func (x *crossFence) join(t *testing.T, conn, name string) {
	t.Helper()
	for i, d := range x.drivers {
		c := d.clients[conn]
		data := fmt.Sprintf(`{"user_id":"%s-%d"}`, name, i)
		auth := "fences-key:" + sign("fences-secret", c.id+":"+fenceRoom+":"+data)
		d.send(conn, `{"event":"pusher:subscribe","data":{"channel":"`+fenceRoom+`","auth":"`+auth+`","channel_data":`+show(data)+`}}`)
		for text := ""; !strings.Contains(text, "subscription_succeeded"); {
			text = x.next(t, d, conn)
		}
	}
}

// fence waits until every node has received the event and the member of every other node.
func (x *crossFence) fence(t *testing.T) {
	t.Helper()
	x.count++
	name := fmt.Sprint("fence-", x.count)
	for i, d := range x.drivers {
		body := fmt.Sprintf(`{"name":"%s-%d","channel":"%s","data":"1"}`, name, i, fenceRoom)
		d.t = t
		if r := d.request("POST", signTarget("fences-key", "fences-secret", "POST", "/apps/fences/events", nil, body, d.now()), body); r.Status != 200 {
			t.Fatal(r)
		}
	}
	x.join(t, "member", name)
	for _, d := range x.drivers {
		for missing := x.signs(name); len(missing) > 0; {
			text := x.next(t, d, "observer")
			for sign := range missing {
				if strings.Contains(text, sign) {
					delete(missing, sign)
				}
			}
		}
	}
}

// signs returns the texts that each observer must receive for a fence.
func (x *crossFence) signs(name string) map[string]bool {
	signs := map[string]bool{}
	for i := range x.drivers {
		signs[fmt.Sprintf(`{"event":"%s-%d"`, name, i)] = true
		signs[fmt.Sprintf(`\"user_id\":\"%s-%d\"`, name, i)] = true
	}
	return signs
}

func (x *crossFence) next(t *testing.T, d *processDriver, conn string) string {
	t.Helper()
	texts, code := d.clients[conn].awaited(t, 1)
	if len(texts) == 0 {
		t.Fatalf("the %s of the fence hears nothing; closed with %d", conn, code)
	}
	return texts[0]
}
