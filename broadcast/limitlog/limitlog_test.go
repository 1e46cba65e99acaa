package limitlog

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestEachLimitIsLoggedOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, lines := observer.New(zap.InfoLevel)
		l := New(zap.New(core))
		meet := func(limit Limit, times int) {
			for range times {
				if l.Count(limit) {
					l.Write(limit, zap.String("client", "1.2.3.4"))
				}
			}
		}
		meet(Subscriptions, 1000)
		meet(Members, 5)
		if n := lines.Len(); n != 2 {
			t.Errorf("%d lines for two limits", n)
		}
		time.Sleep(interval)
		meet(Subscriptions, 1000)
		all := lines.All()
		if n := len(all); n != 3 {
			t.Fatalf("%d lines, want one more after the interval", n)
		}
		if n := all[2].ContextMap()["so far"]; n != int64(1001) {
			t.Errorf("%v so far, want 1001", n)
		}
		if l.Of(Subscriptions) != 2000 || l.Of(Members) != 5 {
			t.Error(l.Counts())
		}
	})
}

func TestEveryLimitIsDescribed(t *testing.T) {
	for i, c := range New(nil).Counts() {
		if c.Name == "" || described[i].message == "" {
			t.Errorf("limit %d has no name or message", i)
		}
	}
	var none *Log
	if none.Count(Members) || none.Of(Members) != 0 {
		t.Error("a nil Log counts")
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	l := New(nil)
	if n := testing.AllocsPerRun(100, func() { l.Count(Messages) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
