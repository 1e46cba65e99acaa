package report

import (
	"time"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/latency"
)

// Report is the result of one execution of the program.
type Report struct {
	Version string    `json:"version"` // of the load tester
	Begun   time.Time `json:"begun"`
	URL     string    `json:"url"`
	Machine Machine   `json:"machine"`
	Runs    []Run     `json:"runs"`
}

// Machine is the machine that the load tester ran on.
type Machine struct {
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
}

// Run is one run of a scenario.
type Run struct {
	Scenario   string       `json:"scenario"`
	Parameters Parameters   `json:"parameters"`
	Server     Measurement  `json:"server"`
	Baseline   *Measurement `json:"baseline,omitempty"` // measured directly after the server
}

// Parameters are the options of a run. Those that do not apply to the scenario are 0.
type Parameters struct {
	Nodes          int           `json:"nodes,omitempty"` // number of nodes, if several; the clients use them in turn
	Connections    int           `json:"connections"`
	Channels       int           `json:"channels"`
	Each           int           `json:"each,omitempty"` // channels of each client, if more than one and not all
	Publishers     int           `json:"publishers,omitempty"`
	Batch          int           `json:"batch,omitempty"`
	Private        bool          `json:"private,omitempty"`         // each client is on a private channel of its own too
	RoomSize       int           `json:"room_size,omitempty"`       // of the presence channels that a tenth of the clients are in too
	NewConnections bool          `json:"new_connections,omitempty"` // for every publish
	PingInterval   time.Duration `json:"ping_interval_ns,omitempty"`
	Rate           float64       `json:"rate,omitempty"` // a second; 0 is as fast as it goes
	Size           int           `json:"size,omitempty"` // bytes
	Events         int           `json:"events,omitempty"`
	Duration       time.Duration `json:"duration_ns,omitempty"`
	Processes      int           `json:"processes"`
	Compressed     bool          `json:"compressed,omitempty"` // by the server
}

// Measurement is the result of one subject: the server, or the baseline.
type Measurement struct {
	Connections Connections `json:"connections"`
	Messages    *Messages   `json:"messages,omitempty"` // nil for a scenario that sends none
	Process     *Process    `json:"process,omitempty"`  // nil without the server's process id
	Details     []Detail    `json:"details,omitempty"`  // of this scenario alone
	Timings     []Timing    `json:"timings,omitempty"`  // of this scenario alone
	Interrupted bool        `json:"interrupted,omitempty"`
	Failures    []string    `json:"client_process_failures,omitempty"`
	Samples     []Sample    `json:"samples,omitempty"` // several a second, fewer in a long run
}

// Connections is the result of connecting.
type Connections struct {
	Live      int            `json:"live"` // connected and subscribed
	Refused   int            `json:"refused"`
	Lost      int            `json:"lost"`              // live connections that ended before the run
	Reasons   map[string]int `json:"reasons,omitempty"` // of Refused and Lost
	Seconds   float64        `json:"seconds"`           // until the last connection was live
	PerSecond float64        `json:"per_second"`        // of Live
	CPUMicros float64        `json:"cpu_us,omitempty"`  // of the server, for each live connection
	Bytes     float64        `json:"bytes,omitempty"`   // of the server's memory, for each live connection
	Errors    map[string]int `json:"errors,omitempty"`  // errors that the server sent to live connections
}

// Messages is the result of sending messages.
type Messages struct {
	Published int            `json:"published"` // accepted by the server
	Failed    int            `json:"failed"`    // not accepted
	Reasons   map[string]int `json:"reasons,omitempty"`
	Expected  int            `json:"expected"` // the receivers of all published messages, added up
	Lost      int            `json:"lost"`     // of Expected
	delivery.Counts

	Seconds            float64 `json:"seconds"` // from the first sent to the last received
	PublishedPerSecond float64 `json:"published_per_second"`
	DeliveredPerSecond float64 `json:"delivered_per_second"`

	Latency   latency.Summary    `json:"latency"` // from when a message was due to its receipt
	Histogram *latency.Histogram `json:"latency_histogram"`
	Request   latency.Summary    `json:"request_latency,omitzero"` // of publishers' requests: from when one was due to its answer
}

// Process is what the server used while messages were sent, or while clients connected in a scenario without messages.
type Process struct {
	CPUSeconds   float64 `json:"cpu_seconds"`
	KernelShare  float64 `json:"kernel_share"`                   // of the CPU time, 0 to 1
	PerDelivered float64 `json:"cpu_us_per_delivered,omitempty"` // microseconds of CPU: the headline
	PerPublished float64 `json:"cpu_us_per_published,omitempty"` // microseconds of CPU
	Voluntary    int64   `json:"voluntary_context_switches"`     // had to wait
	Involuntary  int64   `json:"involuntary_context_switches"`   // preempted
	Before       Held    `json:"before"`                         // no client connected
	Connected    Held    `json:"connected"`                      // all clients connected
	After        Held    `json:"after"`                          // all messages delivered
}

// Held is what a process holds at one time.
type Held struct {
	Memory      int64 `json:"memory_bytes"`
	Descriptors int   `json:"descriptors"`
}

// Faults returns a sentence for each kind of fault: messages that were lost, duplicated or out of order, connections that were
// refused or lost, client processes that ended early, and details whose unit is Fault.
func (m Measurement) Faults() []string {
	var all faults
	for _, why := range m.Failures {
		all = append(all, why+"; what its clients received last is not known")
	}
	all.add(m.Connections.Refused, "connection", "refused")
	all.add(m.Connections.Lost, "connection", "lost")
	for said, n := range m.Connections.Errors {
		all.add(n, "time", said)
	}
	if s := m.Messages; s != nil {
		all.add(s.Failed, "message", "not taken by the server")
		all.add(s.Lost, "message", "lost")
		all.add(int(s.Duplicated), "message", "delivered twice")
		all.add(int(s.Reordered), "message", "out of order")
		all.add(int(s.Stray), "message", "delivered to a client that had not subscribed")
	}
	for _, d := range m.Details {
		if d.Unit == Fault && d.Value != 0 {
			all = append(all, d.Name+": "+Fault.Format(d.Value))
		}
	}
	return all
}

// Faults is Measurement.Faults of the server in all runs.
func (r Report) Faults() []string {
	var all []string
	for _, run := range r.Runs {
		for _, fault := range run.Server.Faults() {
			all = append(all, run.Scenario+": "+fault)
		}
	}
	return all
}
