package admin

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// maxApps bounds the values of the label app; what is above is added up as "other".
const maxApps = 100

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("reverb_"+name, help, labels, nil)
}

// appMetrics are the counters of an app that have no other label.
var appMetrics = []struct {
	desc    *prometheus.Desc
	kind    prometheus.ValueType
	counter broadcast.Counter
}{
	{desc("connections_opened_total", "WebSocket connections that were let in.", "app"), counter, apps.Opened},
	{desc("subscriptions", "Subscriptions of connections to channels.", "app"), gauge, broadcast.Subscriptions},
	{desc("messages_received_total", "Messages of clients.", "app"), counter, apps.MessagesIn},
	{desc("received_bytes_total", "Payload of the messages of clients.", "app"), counter, apps.BytesIn},
	{desc("messages_sent_total", "Frames written to clients.", "app"), counter, broadcast.FramesOut},
	{desc("sent_bytes_total", "Bytes of the frames written to clients, before TLS.", "app"), counter, broadcast.BytesOut},
	{desc("deliveries_total", "Copies of events queued for subscribers.", "app"), counter, broadcast.Delivered},
}

var (
	connectionsDesc = desc("connections", "WebSocket connections.", "app")
	channelsDesc    = desc("channels", "Occupied channels.", "app", "kind")
	closedDesc      = desc("connections_closed_total", "WebSocket connections that ended.", "app", "code", "reason")
	refusalsDesc    = desc("refusals_total", "Errors that clients were sent.", "app", "code", "reason")
	requestsDesc    = desc("api_requests_total", "Requests to the HTTP API.", "app", "route", "status")
	eventsDesc      = desc("events_total", "Events, one for each channel, by where they came from.", "app", "source")
	apiTimeDesc     = desc("api_request_duration_seconds", "Time from a complete request to its response.", "app")
	deliveryDesc    = desc("delivery_duration_seconds", "Time from the publish of an event to the last write of its copies, for each loop with subscribers.", "app")

	loopConnections = desc("loop_connections", "WebSocket connections of an event loop.", "loop")
	loopMailbox     = desc("loop_mailbox_bytes", "Bytes that wait in the mailbox of an event loop.", "loop")
	loopQueued      = desc("loop_queued_bytes", "Bytes that an event loop has queued for its next writes.", "loop")
	loopRounds      = desc("loop_write_rounds_total", "Rounds of writes of an event loop, between which it polls.", "loop")
	loopWrites      = desc("loop_writes_total", "Writes of an event loop to connections.", "loop")
	loopFrames      = desc("loop_frames_total", "Frames that these writes contained.", "loop")
	loopTurns       = desc("loop_turn_duration_seconds", "How long an event loop was busy at a time.", "loop")
	loopLongest     = desc("loop_longest_turn_seconds", "The longest of these in the last 15 to 30 seconds.", "loop")

	openDesc       = desc("open_sockets", "Open connections, HTTP and WebSocket.")
	fullDesc       = desc("connections_refused_total", "Connections closed at once since the server was full.")
	slowDesc       = desc("slow_consumers_total", "Connections cut off since their client read too slowly.")
	panicsDesc     = desc("panics_total", "Panics that were survived.")
	handshakesDesc = desc("tls_handshakes_total", "TLS handshakes, and headers of the PROXY protocol that were refused.", "result")
	plainTLSDesc   = desc("tls_on_plain_port_total", "Connections closed since the client speaks TLS and the server does not.")
	limitsDesc     = desc("limits_met_total", "Times that a limit was met, or something outside failed that often does.", "limit")
	logLostDesc    = desc("log_lines_lost_total", "Lines of the log that nobody took in time.")
	buildDesc      = desc("build_info", "Always 1.", "version")

	webhookWaiting = desc("webhooks_waiting_bytes", "Bytes of webhook events that wait or are on their way.")
	webhookSent    = desc("webhook_events_sent_total", "Webhook events that were taken.")
	webhookFailed  = desc("webhook_attempts_failed_total", "Attempts to send webhooks that failed.")
	webhookDropped = desc("webhook_events_dropped_total", "Webhook events that were given up.")

	redisConnected = desc("redis_connected", "1 while Redis can be used.")
	redisSessions  = desc("redis_sessions_total", "Times that Redis was reached.")
	redisQueue     = desc("redis_queue_bytes", "Bytes that wait to be published.")
	redisNodes     = desc("redis_other_nodes", "Other nodes, as far as is known.")
	redisDropped   = desc("redis_events_dropped_total", "Events of other nodes that were lost since a loop was overloaded.")
	redisUnheard   = desc("redis_queries_unanswered_total", "Queries that some node did not answer in time.")
	redisForeign   = desc("redis_foreign_messages_total", "Messages on the nodes' channels that no node has sent.")
)

// collector implements prometheus.Collector: it asks the loops when it is asked.
type collector struct{ s *Server }

// Describe implements prometheus.Collector. It describes nothing, which makes the collector an unchecked one: apps come and go.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	o := &c.s.options
	totals := o.Hub.Totals(scrapeWait)
	for _, a := range labelled(o, totals.Apps) {
		a.collect(ch)
	}
	for i := range totals.Loops {
		collectLoop(ch, strconv.Itoa(i), &totals.Loops[i])
	}
	emit(ch, buildDesc, gauge, 1, o.Version)
	c.collectServer(ch)
	if o.Webhooks != nil {
		s := o.Webhooks()
		emit(ch, webhookWaiting, gauge, float64(s.Waiting))
		emit(ch, webhookSent, counter, float64(s.Sent))
		emit(ch, webhookFailed, counter, float64(s.Failed))
		emit(ch, webhookDropped, counter, float64(s.Dropped))
	}
	if o.Redis != nil {
		s := o.Redis()
		up := 0.0
		if s.Connected {
			up = 1
		}
		emit(ch, redisConnected, gauge, up)
		emit(ch, redisSessions, counter, float64(s.Sessions))
		emit(ch, redisQueue, gauge, float64(s.Queued))
		emit(ch, redisNodes, gauge, float64(s.Peers))
		emit(ch, redisDropped, counter, float64(s.Dropped))
		emit(ch, redisUnheard, counter, float64(s.Unanswered))
		emit(ch, redisForeign, counter, float64(s.Foreign))
	}
}

func (c *collector) collectServer(ch chan<- prometheus.Metric) {
	s := c.s.options.Server.Stats()
	emit(ch, openDesc, gauge, float64(c.s.options.Server.Connections()))
	emit(ch, fullDesc, counter, float64(s.Refused))
	emit(ch, slowDesc, counter, float64(s.SlowConsumers))
	emit(ch, panicsDesc, counter, float64(s.Panics))
	emit(ch, handshakesDesc, counter, float64(s.Handshakes), "ok")
	emit(ch, handshakesDesc, counter, float64(s.FailedHandshakes), "failed")
	emit(ch, plainTLSDesc, counter, float64(s.PlainTLS))
	for _, l := range s.Limits {
		emit(ch, limitsDesc, counter, float64(l.N), strings.ReplaceAll(l.Name, " ", "_"))
	}
	if lost := c.s.options.LogLost; lost != nil {
		emit(ch, logLostDesc, counter, float64(lost()))
	}
}

func emit(ch chan<- prometheus.Metric, d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
}

func emitHistogram(ch chan<- prometheus.Metric, d *prometheus.Desc, h broadcast.Histogram, labels ...string) {
	buckets, n := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, bound := range h.Bounds {
		n += h.Counts[i]
		buckets[bound.Seconds()] = n
	}
	n += h.Counts[len(h.Bounds)]
	ch <- prometheus.MustNewConstHistogram(d, n, h.Sum.Seconds(), buckets, labels...)
}

// labelledApp is what is shown under one value of the label app.
type labelledApp struct {
	label    string
	totals   broadcast.AppTotals
	channels map[pusher.Kind]int
}

// labelled gives each app its label.
func labelled(o *Options, list []broadcast.AppTotals) []*labelledApp {
	var out []*labelledApp
	var other *labelledApp
	for _, t := range list {
		var channels map[pusher.Kind]int
		if d := o.Hub.Directory(t.App); d != nil {
			channels = d.Occupied()
		}
		switch {
		case t.App == "" || len(out) < maxApps:
			out = append(out, &labelledApp{t.App, t, channels})
		case other == nil:
			other = &labelledApp{"other", t, channels}
		default:
			other.add(t, channels)
		}
	}
	if other != nil {
		out = append(out, other)
	}
	return out
}

func (a *labelledApp) add(t broadcast.AppTotals, channels map[pusher.Kind]int) {
	a.totals.Connections += t.Connections
	for i, n := range t.Counters {
		a.totals.Counters[i] += n
	}
	for kind, n := range channels {
		a.channels[kind] += n
	}
}

// channelKinds are all kinds that a channel can have.
var channelKinds = []struct {
	name   string
	prefix string
}{
	{"public", ""}, {"private", "private-"}, {"presence", "presence-"}, {"private-encrypted", "private-encrypted-"}, {"cache", "cache-"},
	{"private-cache", "private-cache-"}, {"presence-cache", "presence-cache-"}, {"private-encrypted-cache", "private-encrypted-cache-"},
	{"server-to-user", "#server-to-user-"},
}

func (a *labelledApp) collect(ch chan<- prometheus.Metric) {
	c := &a.totals.Counters
	each := func(d *prometheus.Desc, g apps.Group) {
		g.Each(c, func(labels []string, n uint64) {
			emit(ch, d, counter, float64(n), append([]string{a.label}, labels...)...)
		})
	}
	each(refusalsDesc, apps.Refusals())
	each(requestsDesc, apps.Answers())
	if a.label == "" {
		return // it has no connections
	}
	each(closedDesc, apps.Closings())
	emit(ch, connectionsDesc, gauge, float64(a.totals.Connections), a.label)
	for _, m := range appMetrics {
		emit(ch, m.desc, m.kind, float64(c[m.counter]), a.label)
	}
	for _, k := range channelKinds {
		emit(ch, channelsDesc, gauge, float64(a.channels[pusher.KindOf(k.prefix)]), a.label, k.name)
	}
	for source, n := range map[string]uint64{
		"api": c[apps.EventsAPI], "batch": c[apps.EventsBatch], "client": c[apps.EventsClient], "cluster": c[broadcast.EventsCluster],
	} {
		emit(ch, eventsDesc, counter, float64(n), a.label, source)
	}
	emitHistogram(ch, apiTimeDesc, apps.APITimes(c), a.label)
	emitHistogram(ch, deliveryDesc, c.DeliveryTimes(), a.label)
}

func collectLoop(ch chan<- prometheus.Metric, label string, l *broadcast.LoopTotals) {
	emit(ch, loopConnections, gauge, float64(l.Connections), label)
	emit(ch, loopMailbox, gauge, float64(l.MailboxBytes), label)
	emit(ch, loopQueued, gauge, float64(l.Queued), label)
	emit(ch, loopRounds, counter, float64(l.Drains), label)
	emit(ch, loopWrites, counter, float64(l.Writes), label)
	emit(ch, loopFrames, counter, float64(l.Frames), label)
	emitHistogram(ch, loopTurns, l.Histogram(), label)
	emit(ch, loopLongest, gauge, time.Duration.Seconds(l.Longest()), label)
}
