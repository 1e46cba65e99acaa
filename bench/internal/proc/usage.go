package proc

import "time"

// Usage is what a process, or several together, have used up to now and hold now.
type Usage struct {
	CPU         time.Duration // of all threads, also those that have ended; to the nanosecond
	User        time.Duration // the part outside of the kernel, in ticks of 10 ms
	System      time.Duration // the part in the kernel, in ticks of 10 ms
	Memory      int64         // bytes of RAM, shared pages divided among those that share them (PSS)
	Descriptors int           // open now
	Voluntary   int64         // context switches: had to wait; of the threads that still exist
	Involuntary int64         // context switches: lost the processor to another thread
}

// Add returns what both have used.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		CPU: u.CPU + v.CPU, User: u.User + v.User, System: u.System + v.System,
		Memory: u.Memory + v.Memory, Descriptors: u.Descriptors + v.Descriptors,
		Voluntary: u.Voluntary + v.Voluntary, Involuntary: u.Involuntary + v.Involuntary,
	}
}

// Since returns what has been used since before was read. Memory and Descriptors stay what they are now.
func (u Usage) Since(before Usage) Usage {
	u.CPU -= before.CPU
	u.User -= before.User
	u.System -= before.System
	u.Voluntary -= before.Voluntary
	u.Involuntary -= before.Involuntary
	return u
}
