package baseline

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMessage(t *testing.T) {
	p := AppendHeader([]byte("before"), Publish, 2)
	p = AppendItem(p, 7, []byte("seven"))
	p = AppendItem(p, 70_000, nil)
	for fill, want := range map[int]int{0: headerSize + 2*itemSize + 5, 100: 100} {
		message := Finish(slices.Clone(p), 6, fill)[6:]
		if size(message) != want || len(message) != want || Kind(message[0]) != Publish || itemCount(message) != 2 {
			t.Fatalf("filled up to %d: %q", fill, message)
		}
		list, data, rest := nextItem(message[headerSize:])
		if list != 7 || string(data) != "seven" {
			t.Errorf("first item is %d, %q", list, data)
		}
		if list, data, _ = nextItem(rest); list != 70_000 || len(data) != 0 {
			t.Errorf("second item is %d, %q", list, data)
		}
	}
	if n := size(p[6:10]); n != 0 {
		t.Errorf("half a header says %d bytes", n)
	}
}

// TestListsAgainstSets has descriptors join and leave at random, and compares with sets.
func TestListsAgainstSets(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var l lists
	sets := map[int]map[int32]bool{}
	for range 5000 {
		fd, list := random.IntN(20), random.IntN(6)
		if random.IntN(4) == 0 {
			l.leave(fd)
			for _, set := range sets {
				delete(set, int32(fd))
			}
		} else if !sets[list][int32(fd)] {
			l.join(list, fd)
			if sets[list] == nil {
				sets[list] = map[int32]bool{}
			}
			sets[list][int32(fd)] = true
		}
		for list := range 7 {
			on := l.on(list)
			if len(on) != len(sets[list]) {
				t.Fatalf("%d are on list %d, want %d", len(on), list, len(sets[list]))
			}
			for _, fd := range on {
				if !sets[list][fd] {
					t.Fatalf("%d is on list %d", fd, list)
				}
			}
		}
	}
	l.leave(1000) // never seen
}
