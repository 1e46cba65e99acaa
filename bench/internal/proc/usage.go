package proc

import "time"

// Usage is what processes have used since they started (CPU, context switches) and what they hold now (memory, descriptors).
type Usage struct {
	CPU         time.Duration // of all threads, including those that have ended; in nanoseconds
	User        time.Duration // in user mode, in ticks of 10 ms
	System      time.Duration // in the kernel, in ticks of 10 ms
	Memory      int64         // bytes of RAM, shared pages divided among those that share them (PSS)
	Descriptors int           // open descriptors
	Voluntary   int64         // context switches of a thread that had to wait; only of threads that still exist
	Involuntary int64         // context switches of a thread that was preempted
}

// Add returns the sum of both.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		CPU: u.CPU + v.CPU, User: u.User + v.User, System: u.System + v.System,
		Memory: u.Memory + v.Memory, Descriptors: u.Descriptors + v.Descriptors,
		Voluntary: u.Voluntary + v.Voluntary, Involuntary: u.Involuntary + v.Involuntary,
	}
}

// Since returns what has been used since before. Memory and Descriptors are the current values.
func (u Usage) Since(before Usage) Usage {
	u.CPU -= before.CPU
	u.User -= before.User
	u.System -= before.System
	u.Voluntary -= before.Voluntary
	u.Involuntary -= before.Involuntary
	return u
}
