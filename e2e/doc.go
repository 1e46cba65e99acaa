// Package e2e holds the tests of reverbd with real programs: the built server as its own process, and in front of it the clients
// that people use, pusher-js and laravel-echo in Node and in Chromium, and the server libraries of Node and Go; between them Nginx
// and HAProxy, and around it Supervisor, dpkg and systemd's tools, with the files in deploy/.
package e2e
