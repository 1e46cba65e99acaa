package broadcast

import (
	"sync"
	"sync/atomic"
	"time"

	"reverbd/protocol/pusher"
)

// Task is work that only a loop may do. Run is called once, on the loop that the task was posted to.
type Task interface{ Run() }

// job is one entry of a mailbox: a frame for the subscribers of a topic, or a task. It is a value, not a closure, so that
// posting allocates nothing.
type job struct {
	topic    *Topic
	seq      uint64
	frame    Frame
	deflated Frame // frame compressed, for connections that negotiated that; nil if there are none
	except   pusher.SocketID
	at       time.Duration // when it was published, by sinceStart; 0 if that is not timed
	task     Task
}

// jobOverhead is what a job costs beside its frame, in bytes (approximately).
const jobOverhead = 96

func (j *job) size() int64 { return int64(len(j.frame)+len(j.deflated)) + jobOverhead }

// mailbox holds the jobs of one loop in the order in which they were posted.
type mailbox struct {
	mu        sync.Mutex
	jobs      []job
	scheduled bool         // the loop has been woken and has not gone idle since
	bytes     atomic.Int64 // of jobs that are not done, those already taken included
}

// post appends j and reports whether the loop must be woken. A stripe may be locked.
func (m *mailbox) post(j job) (wake bool) {
	m.bytes.Add(j.size())
	m.mu.Lock()
	m.jobs = append(m.jobs, j)
	wake = !m.scheduled
	m.scheduled = true
	m.mu.Unlock()
	return wake
}

// maxSpareJobs is the largest capacity of a slice of jobs that is kept for reuse.
const maxSpareJobs = 4096

// take exchanges the waiting jobs for the slice of jobs that are done, which is reused.
func (m *mailbox) take(done []job) []job {
	clear(done)
	if cap(done) > maxSpareJobs {
		done = nil
	}
	m.mu.Lock()
	jobs := m.jobs
	m.jobs = done[:0]
	m.mu.Unlock()
	return jobs
}

// park marks the loop as idle, unless jobs have come meanwhile. It reports whether it did.
func (m *mailbox) park() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.jobs) > 0 {
		return false
	}
	m.scheduled = false
	return true
}
