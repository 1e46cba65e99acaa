package bench

import (
	"fmt"
	"strings"

	"reverbd/bench/internal/client"
)

// mostFrequent returns the most frequent reason, or "".
func mostFrequent(reasons client.Reasons) (text string) {
	most := 0
	for why, n := range reasons {
		if n > most || n == most && why < text {
			text, most = why, n
		}
	}
	if len(reasons) > 1 {
		text = fmt.Sprintf("%s (and %d other reasons)", text, len(reasons)-1)
	}
	return text
}

// merge returns the sum of both.
func merge(a, b client.Reasons) client.Reasons {
	all := client.Reasons{}
	all.Merge(a)
	all.Merge(b)
	return all
}

func contains(text, part string) bool { return strings.Contains(text, part) }
