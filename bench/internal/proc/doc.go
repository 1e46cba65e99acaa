// Package proc reads the CPU time, memory, descriptors and context switches of processes, from Linux's /proc and from their
// CPU-time clocks.
package proc
