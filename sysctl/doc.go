// Package sysctl answers one question: can this machine, as this user and under these limits, hold N connections?
//
// Read collects Facts: what /proc, the control group (version 1 or 2) and the named files of nginx, supervisor and systemd say.
// Check compares them with a Need, and returns one Finding for each thing that was looked at: what is there, what N connections
// need and the arithmetic behind it, whether that is enough, and what to change on this very system. Text, JSON and Files write
// the findings down, the last as files that are ready to install.
//
// Nothing is ever changed. Every file is read through an fs.FS, so that a machine can be recorded as a directory and checked
// elsewhere: testdata has several.
package sysctl
