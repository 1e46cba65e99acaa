package e2e

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"reverbd/broadcast/redis/redistest"
)

// go test ./e2e -run ClusterModel -seed 7 -duration 10m
var (
	modelSeed     = flag.Uint64("seed", 1, "seed of TestClusterModel; 0: a random one, which is printed")
	modelDuration = flag.Duration("duration", 25*time.Second, "how long TestClusterModel runs")
)

// The channels of the model: of every kind that differs between nodes.
var modelChannels = []string{"public", "private-a", "private-b", "presence-a", "presence-b", "cache-a", "presence-cache-a"}

// TestClusterModel acts at random as clients, publishers and faults of a cluster. At every quiet point it compares all clients and nodes with
// a model: no event is lost except in an injected outage, none is duplicated or reordered, and every roster has exactly the members that
// are connected.
func TestClusterModel(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64N(1e9) + 1
	}
	t.Logf("-seed %d -duration %v", seed, *modelDuration)
	r := startRedis(t)
	m := &model{t: t, random: rand.New(rand.NewPCG(seed, 0)), redis: r, sent: map[string]int{}}
	m.nodes, m.proxies = startProxiedNodes(t, 3, r)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last actions:\n%s", strings.Join(m.actions[max(0, len(m.actions)-120):], "\n"))
		}
	})
	for end := time.Now().Add(*modelDuration); time.Now().Before(end) && !t.Failed(); {
		m.round(time.Until(end))
	}
	t.Logf("%d rounds, %d publications, %d clients, %v", m.rounds, len(m.records), m.born, m.faults)
}

// model is the expected state, and what acts on the cluster.
type model struct {
	t       *testing.T
	random  *rand.Rand
	redis   *redisServer
	nodes   []*node
	proxies []*redistest.Proxy // by node

	clients []*modelClient // connected
	gone    []*modelClient // in this round
	born    int
	records []*publicationRecord          // all
	sent    map[string]int                // by publisher and channel: the last number
	byName  map[string]*publicationRecord // of this round and the last
	actions []string

	// of this round
	redisTrouble bool
	nodeTrouble  [3]bool
	frozen       [3]bool
	rounds       int
	faults       map[string]int
}

// modelClient is a client and what it is subscribed to.
type modelClient struct {
	*watcher
	id    int
	node  int
	subs  map[string]string // channel: user, "" where there is none
	asked map[string]int    // subscriptions of a channel so far
	was   map[string]bool   // subscribed at some time of this round
	seen  map[string]int    // events of a channel that have been checked
	last  map[string]int    // by publisher and channel: the last number that came
}

// publicationRecord is one event on one channel.
type publicationRecord struct {
	name    string
	channel string
	node    int
	except  *modelClient
	refused bool
	needs   []*modelClient // clients that must get it
}

func (m *model) log(format string, args ...any) {
	m.actions = append(m.actions, fmt.Sprintf("%d: ", m.rounds)+fmt.Sprintf(format, args...))
}

// round does some actions, at most one fault among them, and ends with a quiet point.
func (m *model) round(left time.Duration) {
	m.rounds++
	m.redisTrouble, m.nodeTrouble = false, [3]bool{}
	m.byName = map[string]*publicationRecord{}
	first := len(m.records)
	for _, c := range m.clients {
		c.was = map[string]bool{}
		for ch := range c.subs {
			c.was[ch] = true
		}
	}
	count := 20 + m.random.IntN(60)
	at := m.random.IntN(count)
	heal := func() {}
	for i := range count {
		if i == at && m.rounds > 1 {
			heal = m.injectFault(left)
		}
		m.action()
		if m.t.Failed() {
			return
		}
	}
	heal()
	m.quiesce(m.records[first:])
}

// injectFault breaks something, and returns a function that repairs it.
func (m *model) injectFault(left time.Duration) (heal func()) {
	heal = func() {}
	if m.faults == nil {
		m.faults = map[string]int{}
	}
	long := left > 18*time.Second
	what := m.random.IntN(20)
	i := m.random.IntN(len(m.nodes))
	pause := time.Duration(m.random.IntN(1500)) * time.Millisecond
	note := func(name string) {
		m.faults[name]++
		m.log("fault: %s (node %d, %v)", name, i, pause)
	}
	switch {
	case what == 0 && long:
		note("node killed")
		m.kill(i)
	case what == 1 && long:
		pause += 15 * time.Second
		note("node frozen for long")
		m.nodeTrouble[i] = true
		return m.freeze(i, pause)
	case what <= 3:
		pause = min(pause, 700*time.Millisecond)
		note("node frozen")
		return m.freeze(i, pause)
	case what == 4:
		pause = min(pause, 300*time.Millisecond)
		note("Redis frozen for a moment")
		m.redis.freeze()
		time.AfterFunc(pause, m.redis.thaw)
		return func() { time.Sleep(pause) }
	case what == 5:
		pause += 2 * time.Second
		note("Redis frozen")
		m.redisTrouble = true
		m.redis.freeze()
		end := time.Now().Add(pause)
		return func() { time.Sleep(time.Until(end)); m.redis.thaw() }
	case what == 6:
		note("Redis killed")
		m.redisTrouble = true
		m.redis.kill()
		end := time.Now().Add(pause)
		return func() { time.Sleep(time.Until(end)); m.redis.start() }
	case what == 7:
		note("connections cut")
		m.redisTrouble = true
		m.redis.do("client", "kill", "type", []string{"pubsub", "normal"}[m.random.IntN(2)])
	case what == 8 && long:
		pause = []time.Duration{3 * time.Second, 7 * time.Second, 12 * time.Second}[m.random.IntN(3)]
		note("node stopped")
		m.nodeTrouble[i] = pause > 3*time.Second
		return m.freeze(i, pause)
	case what <= 12:
		return m.refuse(pause, note)
	case what <= 17:
		return m.disturb(i, pause, long, note)
	}
	return heal
}

func (m *model) kill(i int) {
	m.nodeTrouble[i] = true
	m.nodes[i].kill()
	for _, c := range slices.Clone(m.clients) {
		if c.node == i {
			<-c.done
			m.forget(c)
		}
	}
	must(m.t, m.nodes[i].begin())
}

func (m *model) freeze(i int, pause time.Duration) (heal func()) {
	m.frozen[i] = true
	m.nodes[i].freeze()
	end := time.Now().Add(pause)
	return func() {
		time.Sleep(time.Until(end))
		m.nodes[i].thaw()
		m.frozen[i] = false
	}
}

// forget removes a client from the model.
func (m *model) forget(c *modelClient) {
	m.clients = slices.DeleteFunc(m.clients, func(o *modelClient) bool { return o == c })
	m.gone = append(m.gone, c)
}

// runningNode returns a random node that is not frozen.
func (m *model) runningNode() int {
	for {
		if i := m.random.IntN(len(m.nodes)); !m.frozen[i] {
			return i
		}
	}
}

// randomClient returns a random client on a node that is not frozen, or nil.
func (m *model) randomClient() *modelClient {
	var all []*modelClient
	for _, c := range m.clients {
		if !m.frozen[c.node] {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[m.random.IntN(len(all))]
}

func (m *model) action() {
	c := m.randomClient()
	switch what := m.random.IntN(100); {
	case c == nil || what < 8 && len(m.clients) < 24:
		m.connect()
	case what < 12:
		m.log("client %d goes", c.id)
		c.sync()
		m.unrequire(c, "")
		c.close()
		m.forget(c)
	case what < 36:
		m.subscribe(c)
	case what < 46:
		m.unsubscribe(c)
	case what < 62:
		m.whisper(c)
	case what < 70:
		m.publishBatch(m.runningNode())
	default:
		m.publish(m.runningNode())
	}
}

func (m *model) connect() {
	i := m.runningNode()
	m.born++
	c := &modelClient{
		watcher: watch(m.t, m.nodes[i]), id: m.born, node: i, subs: map[string]string{}, asked: map[string]int{},
		was: map[string]bool{}, seen: map[string]int{}, last: map[string]int{},
	}
	m.log("client %d comes to node %d as %s", c.id, i, c.c.socketID)
	m.clients = append(m.clients, c)
}

// sync waits until the node has read everything that the client sent.
func (c *modelClient) sync() {
	c.t.Helper()
	c.await(clientTimeout, fmt.Sprintf("client %d: the answer to a ping", c.id), c.pinged())
}

func (m *model) subscribe(c *modelClient) {
	ch := modelChannels[m.random.IntN(len(modelChannels))]
	if _, ok := c.subs[ch]; ok {
		return
	}
	user := ""
	if strings.HasPrefix(ch, "presence-") {
		user = fmt.Sprint("user-", m.random.IntN(6))
		c.join(ch, user)
	} else {
		c.subscribe(ch)
	}
	c.subs[ch], c.was[ch] = user, true
	c.asked[ch]++
	m.log("client %d subscribes to %s %s", c.id, ch, user)
	if m.random.IntN(2) == 0 {
		m.answered(c, ch)
	}
}

// answered waits for all answers to subscriptions of the channel.
func (m *model) answered(c *modelClient, ch string) {
	m.t.Helper()
	c.await(clientTimeout, fmt.Sprintf("client %d of node %d to be subscribed to %s", c.id, c.node, ch), func() bool { return c.joins(ch) == c.asked[ch] })
}

func (m *model) unsubscribe(c *modelClient) {
	if len(c.subs) == 0 {
		return
	}
	all := slices.Sorted(maps.Keys(c.subs))
	ch := all[m.random.IntN(len(all))]
	m.answered(c, ch) // otherwise a later answer could be for either subscription
	m.log("client %d unsubscribes from %s", c.id, ch)
	m.unrequire(c, ch)
	c.unsubscribe(ch)
	delete(c.subs, ch)
}

// unrequire allows that events in flight to the client are lost from now on; "" means on all channels.
func (m *model) unrequire(c *modelClient, ch string) {
	for _, r := range m.byName {
		if ch == "" || r.channel == ch {
			r.needs = slices.DeleteFunc(r.needs, func(o *modelClient) bool { return o == c })
		}
	}
}

// record adds an event to the model before it is published.
func (m *model) record(publisher string, node int, ch string, except *modelClient) *publicationRecord {
	key := publisher + " " + ch
	m.sent[key]++
	r := &publicationRecord{name: fmt.Sprintf("%s/%d", publisher, m.sent[key]), channel: ch, node: node, except: except}
	for _, c := range m.clients {
		if _, ok := c.subs[ch]; ok && c != except && c.joins(ch) == c.asked[ch] {
			r.needs = append(r.needs, c)
		}
	}
	m.records = append(m.records, r)
	m.byName[r.name+" "+ch] = r
	return r
}

func (m *model) whisper(c *modelClient) {
	var able []string
	for _, ch := range slices.Sorted(maps.Keys(c.subs)) {
		if strings.HasPrefix(ch, "pr") && c.joins(ch) == c.asked[ch] {
			able = append(able, ch)
		}
	}
	if len(able) == 0 {
		return
	}
	ch := able[m.random.IntN(len(able))]
	r := m.record(fmt.Sprint("client-w", c.id), c.node, ch, c)
	m.log("client %d whispers %s on %s", c.id, r.name, ch)
	c.whisper(ch, strings.TrimPrefix(r.name, "client-"), "1")
}

func (m *model) publish(i int) {
	channels := []string{modelChannels[m.random.IntN(len(modelChannels))]}
	if m.random.IntN(4) == 0 {
		channels = append(channels, modelChannels[m.random.IntN(len(modelChannels))])
		channels = slices.Compact(channels)
	}
	var except *modelClient
	p := publication{Data: "1"}
	if len(m.clients) > 0 && m.random.IntN(3) == 0 {
		except = m.clients[m.random.IntN(len(m.clients))]
		p.SocketID = except.c.socketID
	}
	for _, ch := range channels { // each channel has its own number, so each needs its own call
		r := m.record(fmt.Sprint("api", i), i, ch, except)
		p.Name, p.Channels = r.name, []string{ch}
		m.log("node %d publishes %s on %s, but for %s", i, r.name, ch, p.SocketID)
		a, err := m.nodes[i].trigger(p)
		m.settle([]*publicationRecord{r}, a, err)
	}
}

func (m *model) publishBatch(i int) {
	var items []string
	var all []*publicationRecord
	for range 1 + m.random.IntN(6) {
		ch := modelChannels[m.random.IntN(len(modelChannels))]
		r := m.record(fmt.Sprint("api", i), i, ch, nil)
		all = append(all, r)
		items = append(items, fmt.Sprintf(`{"name":%q,"channel":%q,"data":"1"}`, r.name, ch))
	}
	m.log("node %d publishes a batch of %d up to %s", i, len(all), all[len(all)-1].name)
	a, err := m.nodes[i].call("POST", "/apps/"+appID+"/batch_events", "", `{"batch":[`+strings.Join(items, ",")+`]}`)
	m.settle(all, a, err)
}

// settle records the answer to a publication.
func (m *model) settle(all []*publicationRecord, a answer, err error) {
	switch {
	case err == nil && a.status == http.StatusOK:
	case err == nil && a.status == http.StatusServiceUnavailable:
		for _, r := range all {
			r.refused, r.needs = true, nil
		}
	default:
		m.t.Errorf("publishing %s: %v %v", all[0].name, a, err)
	}
}
