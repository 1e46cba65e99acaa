// Package redis makes several nodes one server: it is the broadcast.Bus that goes through Redis.
package redis
