package bench

import (
	"errors"
	"fmt"
	"slices"
)

// maxProcesses is far more than there are processors to run them.
const maxProcesses = 64

// shared names the scenarios whose clients may be on several processes: those in which they have nothing to do with each
// other, or only in pairs.
var shared = []string{"connect", "fanout", "channels", "whisper", "storm"}

// Shared reports whether the scenario's clients may be on several processes.
func (s Scenario) Shared() bool { return slices.Contains(shared, s.Name) }

// block is how far apart two connections are that must be on the same process: the halves of pairs.
func (s Scenario) block(o Options) int {
	if s.publishes || !s.sends {
		return o.Connections
	}
	return o.Channels
}

// checkProcesses returns what is wrong with Options.Processes.
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
