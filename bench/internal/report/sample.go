package report

// Sample is the progress of a measurement at one time, and what the subject had used and held.
type Sample struct {
	Seconds   float64 `json:"s"`                      // since the first client began to connect
	Live      int     `json:"live"`                   // clients that were subscribed
	Delivered int     `json:"delivered"`              // messages up to then
	CPU       float64 `json:"cpu_s,omitempty"`        // seconds up to then, from the first sample on; 0 without the process id
	Memory    int64   `json:"memory_bytes,omitempty"` // 0 without the process id
}
