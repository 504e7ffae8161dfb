package show

import (
	"strconv"
	"time"

	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// HistoryHeader names the columns of [History].
func HistoryHeader() []string {
	return []string{"TIME", "NAMESPACE", "CONTAINER", "POD/NAME", "HOOK", "HANDLER", "ATTEMPT", "OUTCOME", "CAUSE", "DURATION"}
}

// History makes a row of each attempt. Times are in now's time zone; full ids
// are written where full is set.
func History(records []record.Record, now time.Time, full bool) [][]string {
	rows := make([][]string, len(records))
	for i, r := range records {
		rows[i] = []string{
			r.Started.In(now.Location()).Format(time.DateTime),
			terminal.Escape(r.Namespace), terminal.Escape(id(r.Container, full)), terminal.Escape(Name(r.Subject)),
			terminal.Escape(Hook(r)), terminal.Escape(r.Handler), number(r.Attempt),
			terminal.Escape(string(Outcome(r))), terminal.Escape(Cause(r)), duration(Duration(r, now)),
		}
	}
	return rows
}

func id(s string, full bool) string {
	if full {
		return s
	}
	return ShortID(s)
}

// number is empty for 0, which is no attempt's.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// Attempt is an attempt for programs: its record, with the outcome that people
// are shown.
type Attempt struct {
	ID string `json:"id"` // of the record: no other has it
	record.Record
	Outcome hooks.Outcome `json:"outcome"` // as [Outcome] has it
}

// Attempts turns records into what programs read; without output, stdout and
// stderr are left out.
func Attempts(records []record.Record, output bool) []Attempt {
	attempts := make([]Attempt, len(records))
	for i, r := range records {
		attempts[i] = Attempt{ID: r.ID, Record: r, Outcome: Outcome(r)}
		if !output {
			attempts[i].Stdout, attempts[i].Stderr = nil, nil
		}
	}
	return attempts
}
