package kube

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"k8s.io/apimachinery/pkg/util/wait"
)

// TestDifferential runs each scenario by the kubelet's hooks on the stock shim, and by
// bookend. What differs must have a reason, and a reason must be of something that
// differs.
func TestDifferential(t *testing.T) {
	s := newHookedSpace(t)
	image, err := newStopImage(s.Daemon.Binaries())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Daemon.Import(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	var table table
	all := t.Run("scenarios", func(t *testing.T) {
		for _, sc := range scenarios() {
			t.Run(sc.id(), func(t *testing.T) {
				t.Parallel()
				if testing.Short() && !slices.Contains(shortRun, sc.name) {
					t.Skip("takes long")
				}
				compare(t, s.Cluster, s.name, sc, &table)
			})
		}
	})
	t.Logf("differences:\n%s", &table)
	if all && testing.Short() && len(table.rows) != len(shortRun) {
		t.Errorf("%d pods were compared, want the %d of a short run", len(table.rows), len(shortRun))
	}
	if all && !testing.Short() {
		wantPage(t, s.Daemon.Binaries().Root, &table)
	}
}

// compare makes both runs, one beside the other.
func compare(t *testing.T, c *Cluster, namespace string, s scenario, table *table) {
	runs := map[string]*run{}
	for _, class := range []string{harness.Runc, harness.Bookend} {
		runs[class] = newRun(t, c, namespace, s, class)
	}
	for _, r := range []*run{runs[harness.Runc], runs[harness.Bookend]} {
		s.act(r)
	}
	for _, r := range runs {
		r.finish()
	}
	theirs, ours := runs[harness.Runc].outcome(s), runs[harness.Bookend].outcome(s)
	settle(t, runs[harness.Runc], theirs, runs[harness.Bookend], ours)
	table.compared(s.name)
	for _, a := range slices.Sorted(maps.Keys(theirs)) {
		reason, declared := s.differs[a]
		switch {
		case theirs[a] == ours[a] && declared:
			t.Errorf("%s does not differ: %s", a, ours[a])
		case theirs[a] != ours[a]:
			table.add(s.name, row{a, theirs[a], ours[a], reason})
			if !declared {
				t.Errorf("%s: %q by the kubelet, %q by bookend", a, theirs[a], ours[a])
			}
		}
	}
}

// Events come after what they tell of, for a while.
const (
	eventsTimeout  = 5 * time.Second
	eventsInterval = 250 * time.Millisecond
)

// settle reads the Events of both runs until they are the same, or come no more.
func settle(t *testing.T, kubelets *run, theirs outcome, bookends *run, ours outcome) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), eventsInterval, eventsTimeout, true, func(context.Context) (bool, error) {
		for r, seen := range map[*run]outcome{kubelets: theirs, bookends: ours} {
			counted, err := r.countEvents(t.Context())
			if err != nil {
				return false, err
			}
			seen[events] = counted
		}
		return theirs[events] == ours[events], nil
	})
	if err != nil && !wait.Interrupted(err) {
		t.Fatal(err)
	}
}
