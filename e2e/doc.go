// Package e2e tests reverbd with real programs: the built server as a process of its own, with pusher-js and laravel-echo in Node and in
// Chromium, the server libraries of Node and Go, proxies, Redis, Supervisor, dpkg and systemd's tools, and with the files in deploy/.
package e2e
