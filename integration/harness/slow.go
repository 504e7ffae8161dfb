package harness

import (
	"os"
	"strconv"
	"time"
)

// slowVariable says how many times slower this machine is than those that tests are
// written for, as one is whose processor is emulated.
const slowVariable = "BOOKEND_TEST_SLOW"

// slow is that factor, 1 where nothing is said.
var slow = func() float64 {
	if n, err := strconv.ParseFloat(os.Getenv(slowVariable), 64); err == nil && n > 1 {
		return n
	}
	return 1
}()

// Scaled is how long something may take on this machine that may take limit on a
// quick one. It is for times that only bound a wait; one that a test is about, a
// hook's timeout or a grace period, says how long it is itself.
func Scaled(limit time.Duration) time.Duration { return time.Duration(slow * float64(limit)) }
