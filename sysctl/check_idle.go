package sysctl

import "fmt"

// idleLimit is what a proxy should wait for, in seconds.
func idleLimit(n Need) Number { return 2 * seconds(n.PingInterval+n.ActivityTimeout) }

// idleFinding compares how long a proxy lets a connection idle, in seconds or Unknown for ever, with the pings. A client that is pinged as
// late as the proxy would end it, or later, is always cut off. With the limit above that but below ping_interval + activity_timeout, the
// living stay and the proxy ends the dead, without the server's reason.
func idleFinding(check string, have Number, where string, n Need, fixes ...Fix) Finding {
	ping, answer := seconds(n.PingInterval), seconds(n.ActivityTimeout)
	found := where
	if have.Known() {
		found = fmt.Sprintf("%s s (%s)", have, where)
	}
	return finding(check, levelOf(have.Known() && have <= ping, have.Known() && have <= ping+answer), found,
		fmt.Sprintf("more than %s s", ping+answer),
		fmt.Sprintf("an idle connection is pinged after %s s, and may take %s s to answer: the proxy must not cut it off before, or "+
			"ping_interval (REVERB_APP_PING_INTERVAL) must be below its limit", ping, answer),
		fixes...)
}
