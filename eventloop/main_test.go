package eventloop

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childRole is the environment variable with what this test binary is to do in place of the tests, when a test runs it again.
const childRole = "EVENTLOOP_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		child, ok := children[role]
		if !ok {
			fmt.Fprintln(os.Stderr, "no such role:", role)
			os.Exit(3)
		}
		child()
		os.Exit(0)
	}
	// gnet starts one ants pool for the process, for Enroll, and never stops it: two goroutines of the pool, and its idle workers.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"),
	)
}
