package show

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// Status is what programs read of a container with hooks.
type Status struct {
	record.Status
	// ElapsedSeconds is how long the running hook has been running, or how long
	// the stop signal has been due that could not be sent, and RemainingSeconds
	// how long the hook may still; nil: there is none, or no limit.
	ElapsedSeconds   *float64 `json:"elapsedSeconds,omitempty"`
	RemainingSeconds *float64 `json:"remainingSeconds,omitempty"`
}

// Statuses adds times to statuses, for programs.
func Statuses(statuses []record.Status, now time.Time) []Status {
	all := make([]Status, len(statuses))
	for i, st := range statuses {
		all[i].Status = st
		if from := since(st); from != nil {
			all[i].ElapsedSeconds = seconds(now.Sub(*from))
		}
		if st.Deadline != nil {
			all[i].RemainingSeconds = seconds(st.Deadline.Sub(now))
		}
	}
	return all
}

func seconds(d time.Duration) *float64 {
	s := max(0, d).Round(time.Millisecond).Seconds()
	return &s
}

// PSHeader names the columns of [PS].
func PSHeader() []string {
	return []string{"NAMESPACE", "ID", "POD/NAME", "PHASE", "HOOK", "ELAPSED", "DEADLINE"}
}

// PS makes a row of each container: its running hook or the stop signal that
// could not be sent, since when, and how much time the hook has left.
func PS(statuses []record.Status, now time.Time, full bool) [][]string {
	rows := make([][]string, len(statuses))
	for i, st := range statuses {
		rows[i] = []string{
			terminal.Escape(st.Namespace), terminal.Escape(id(st.Container, full)), terminal.Escape(Name(st.Subject)),
			terminal.Escape(st.Phase), terminal.Escape(runningHook(st)), "", "",
		}
		if from := since(st); from != nil {
			rows[i][5] = rough(now.Sub(*from))
		}
		if st.Deadline != nil {
			rows[i][6] = "in " + rough(st.Deadline.Sub(now))
		}
	}
	return rows
}

// since is when what [runningHook] returns began; nil: there is none.
func since(st record.Status) *time.Time { return cmp.Or(st.Started, st.Undelivered) }

func runningHook(st record.Status) string {
	handler := ""
	switch {
	case st.Hook == hooks.PostStart:
		handler = st.PostStart
	case st.Hook == hooks.PreStop:
		handler = st.PreStop
	case st.Hook == "" && st.Undelivered != nil:
		return "stop (undelivered)"
	}
	if handler == "" {
		return string(st.Hook)
	}
	return fmt.Sprintf("%s (%s)", st.Hook, handler)
}

// rough is a duration in whole seconds.
func rough(d time.Duration) string { return max(0, d).Truncate(time.Second).String() }

// OfNamespace returns the statuses of a containerd namespace, of all where it is
// empty, in an order that stays: by namespace, name, id.
func OfNamespace(statuses []record.Status, namespace string) []record.Status {
	taken := slices.DeleteFunc(slices.Clone(statuses), func(st record.Status) bool {
		return namespace != "" && st.Namespace != namespace
	})
	slices.SortFunc(taken, func(a, b record.Status) int { return compare(a.Subject, b.Subject) })
	return taken
}
