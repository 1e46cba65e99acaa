package broadcast

import (
	"slices"
	"strings"
	"testing"
)

func TestPresence(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	ann, ben, tab := r.connect(0), r.connect(1), r.connect(0)

	reply := r.subscribe(ann, "presence-room", `"1"`)
	if !strings.Contains(reply[0], `{\"presence\":{\"count\":1,\"ids\":[\"1\"],\"hash\":{\"1\":{}}}}`) {
		t.Errorf("the first was told %s", reply[0])
	}
	reply = r.subscribe(ben, "presence-room", `2`)
	if !strings.Contains(reply[0], `\"count\":2,\"ids\":[\"1\",2],\"hash\":{\"1\":{},\"2\":{}}`) {
		t.Errorf("the second was told %s", reply[0])
	}
	reply = r.subscribe(tab, "presence-room", `"2"`) // the same user, with an id of another JSON type
	if !strings.Contains(reply[0], `\"count\":2,\"ids\":[\"1\",2]`) {
		t.Errorf("the second tab was told %s", reply[0])
	}
	r.drainAll()
	if got := ann.texts(); len(got) != 1 || !strings.Contains(got[0], `"pusher_internal:member_added","data":"{\"user_id\":2}"`) {
		t.Errorf("Ann saw %q", got)
	}
	if got := r.app.Users([]byte("presence-room")); len(got) != 2 || string(got[1]) != "2" {
		t.Errorf("users %q", got)
	}

	ben.sub.Loop().Remove(ben.sub)
	r.drainAll()
	if got := ann.texts(); len(got) != 0 {
		t.Errorf("Ann saw %q although Ben has another tab", got)
	}
	if got := r.app.Users([]byte("presence-room")); string(got[1]) != `"2"` {
		t.Errorf("the tab that is left does not speak for Ben: %s", got[1])
	}
	r.app.Unsubscribe(tab.sub, []byte("presence-room"))
	tab.sub.Loop().DrainUnlessScheduled()
	if got := ann.texts(); len(got) != 1 || !strings.Contains(got[0], `"pusher_internal:member_removed","data":"{\"user_id\":\"2\"}"`) {
		t.Errorf("Ann saw %q", got)
	}
}

func TestResubscribeAsOtherUser(t *testing.T) {
	r := newTestHub(t, Options{})
	ann, ben := r.connect(0), r.connect(0)
	r.subscribe(ann, "presence-room", `"ann"`)
	r.subscribe(ben, "presence-room", `"ben"`)
	r.drainAll()
	ann.texts()
	r.subscribe(ben, "presence-room", `"ben"`)
	r.drainAll()
	if got := ann.texts(); len(got) != 0 {
		t.Errorf("subscribing again announced %q", got)
	}
	r.subscribe(ben, "presence-room", `"bob"`)
	r.drainAll()
	got := ann.texts()
	if len(got) != 2 || !strings.Contains(got[0], "member_removed") || !strings.Contains(got[1], "member_added") {
		t.Errorf("another user announced %q", got)
	}
	if c := r.app.Channel([]byte("presence-room")); c.Subscribers != 2 || c.Users != 2 {
		t.Errorf("%d subscribers, %d users", c.Subscribers, c.Users)
	}
}

func TestTerminate(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	other := r.NewDirectory("other")
	ann, tab, ben, foreign := r.connect(0), r.connect(1), r.connect(1), r.connect(0)
	r.subscribe(ann, "news", "")
	r.subscribe(ann, "presence-room", `1`)
	r.subscribe(tab, "presence-lobby", `"1"`)
	r.subscribe(ben, "presence-room", `"2"`)
	foreign.sub.directory = other
	if err := r.app.Command(Command{Action: ActionTerminate, User: "1"}); err != nil {
		t.Fatal(err)
	}
	r.drainAll()
	got := []bool{ann.sub.dead, tab.sub.dead, ben.sub.dead, foreign.sub.dead}
	if !slices.Equal(got, []bool{true, true, false, false}) {
		t.Errorf("closed: %v", got)
	}
	if ann.closed != 4009 {
		t.Errorf("close code %d", ann.closed)
	}
}
