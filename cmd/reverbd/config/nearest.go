package config

import "strings"

// nearest returns the candidate that wrong was probably meant to be, or "".
func nearest(wrong string, candidates []string) string {
	best, bestAt := "", 3 // two slips of the keyboard at most
	for _, c := range candidates {
		if d := distance(strings.ToLower(wrong), strings.ToLower(c)); d < bestAt && 2*d < len(c) {
			best, bestAt = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that lead from a to b.
func distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 64
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			d := row[j]
			if a[i] != b[j] {
				d++
			}
			d = min(d, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				d = min(d, before[j-1]+1)
			}
			next[j+1] = d
		}
		before, row = row, next
	}
	return row[len(b)]
}
