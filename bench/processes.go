package bench

import (
	"errors"
	"fmt"
	"slices"
)

// maxProcesses is the upper limit of Options.Processes.
const maxProcesses = 64

// shared are the scenarios whose clients can run in several processes: those in which clients do not depend on each other, or only
// in pairs.
var shared = []string{"connect", "fanout", "channels", "publish", "whisper", "storm"}

// Shared reports whether the scenario's clients can run in several processes.
func (s Scenario) Shared() bool { return slices.Contains(shared, s.Name) }

// block returns the distance between the two connections of a pair, which must be in the same process; see client.Share.
func (s Scenario) block(o Options) int {
	if s.publishes || !s.sends {
		return o.Connections
	}
	return o.Channels
}

// checkProcesses checks Options.Processes.
func (o Options) checkProcesses(s Scenario) error {
	switch {
	case o.Processes < 0 || o.Processes > maxProcesses:
		return fmt.Errorf("bench: --processes %d: from 1 to %d", o.Processes, maxProcesses)
	case o.Processes <= 1:
		return nil
	case !s.Shared():
		return errors.New("bench: --processes: the clients of this scenario are all in one process")
	case o.Processes > s.block(o):
		return fmt.Errorf("bench: --processes %d: more than there are clients to share out", o.Processes)
	}
	return nil
}
