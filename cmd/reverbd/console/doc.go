// Package console streams what happens in an app to people: the debug console of the admin page, and reverbd tail. It never slows the
// server: a reader that is too slow, or that asks for more than people can read, gets a part, and is told how much is missing.
package console
