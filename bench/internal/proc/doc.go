// Package proc reads what processes use: processor time, memory, descriptors and context switches, from Linux's /proc and
// from their processor-time clocks.
package proc
