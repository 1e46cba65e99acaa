package broadcast

import "maps"

// A map keeps the memory of the most elements that it ever had. One that has had minShrink or more is replaced by a copy when it has
// less than a sixteenth left: copying that takes a millisecond or two where there were a million.
const minShrink = 1024

// shrunk returns m, or a copy that takes less memory. It must be called from time to time; peak is the largest size that it has seen.
func shrunk[M ~map[K]V, K comparable, V any](m M, peak *int) M {
	*peak = max(*peak, len(m))
	if *peak < minShrink || len(m) >= *peak/16 {
		return m
	}
	small := make(M, len(m))
	maps.Copy(small, m)
	*peak = len(m)
	return small
}

// shrink frees memory of channels that are no more. No lock may be held.
func (d *Directory) shrink() {
	for i := range d.stripes {
		st := &d.stripes[i]
		st.mu.Lock()
		st.topics = shrunk(st.topics, &st.peak)
		st.mu.Unlock()
	}
}
