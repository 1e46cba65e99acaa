// Package e2e holds the tests of reverbd with real programs: the built server as its own process, and in front of it the clients
// that people use, pusher-js and laravel-echo in Node and in Chromium, and the server libraries of Node and Go.
package e2e
