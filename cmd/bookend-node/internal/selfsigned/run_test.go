package selfsigned

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// After errors it looks later and later, up to a minute, and after a success as soon as
// ever.
func TestRunRetriesLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const failures = 8
		c, begun := newCluster(t), time.Now()
		var looks []time.Duration
		c.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
			looks = append(looks, time.Since(begun))
			if len(looks) <= failures || len(looks) == failures+2 {
				return true, nil, errors.New("down")
			}
			return false, nil, nil
		})
		k := c.replica(t, beginning, testLifetimes())
		k.o.Targets = nil // whose configuration would have it look once more
		run(t, k)
		<-time.After(5 * time.Minute)
		synctest.Wait()
		var pauses []time.Duration
		for i := range len(looks) - 1 {
			pauses = append(pauses, looks[i+1]-looks[i])
		}
		want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute}
		if len(pauses) < failures || !slices.Equal(pauses[:failures], want) {
			t.Fatalf("looks %v", looks)
		}
		// What it wrote has it look at once.
		if got, want := pauses[failures:], []time.Duration{0, time.Second}; len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("after a success it looks again after %v", got)
		}
	})
}
