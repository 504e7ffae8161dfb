package show

import (
	"slices"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// Filter says which attempts to show; a zero field takes all.
type Filter struct {
	Namespace    string          // containerd's
	Hook         string          // as [Hook] has it
	Outcomes     []hooks.Outcome // any of them
	Since, Until time.Time       // of the start, both included
	Container    string          // the beginning of an id, or a name as [Find] takes it
}

// Take tells whether an attempt is one to show.
func (f Filter) Take(r record.Record) bool {
	return (f.Namespace == "" || f.Namespace == r.Namespace) &&
		(f.Hook == "" || f.Hook == Hook(r)) &&
		(len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, Outcome(r))) &&
		(f.Since.IsZero() || !r.Started.Before(f.Since)) &&
		(f.Until.IsZero() || !r.Started.After(f.Until)) &&
		(strings.HasPrefix(r.Container, f.Container) || goesBy(r.Subject, f.Container))
}

// Apply returns the attempts to show, in their order: with a limit over 0, the
// last ones.
func (f Filter) Apply(records []record.Record, limit int) []record.Record {
	taken := slices.DeleteFunc(slices.Clone(records), func(r record.Record) bool { return !f.Take(r) })
	if limit > 0 && len(taken) > limit {
		taken = taken[len(taken)-limit:]
	}
	return taken
}
