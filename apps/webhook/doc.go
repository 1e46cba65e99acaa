// Package webhook tells an application's own server what happens on its channels, by HTTP requests in the form of Pusher's
// webhooks.
//
// Events go into a Dispatcher, which never blocks whoever reports one. It keeps a queue for each URL of each application, with a
// limit in bytes, and sends what is in it in batches: signed, in the order of each channel, again and again for five minutes if the
// receiver does not take them. A channel that is vacated, and a member that leaves, is reported only if it has not come back three
// seconds later, so that the reload of a page is no departure.
//
// Every batch has an id (X-Webhook-Id) that stays the same however often it is sent: a receiver that has taken one already can drop it.
// https://pusher.com/docs/channels/server_api/webhooks/ describes the requests.
package webhook
