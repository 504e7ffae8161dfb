package cli

import (
	"bytes"
	"io"
	"time"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks/record"
)

func newPS() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the containers of this node that have hooks, and what runs",
		Long: `ps lists the containers with hooks whose shim is alive: the phase of each, the hook
that runs, for how long, and how much time it has left ("-": no limit).

Phases: created, starting, postStart, judging (a hook failed as if the container
had exited; bookend waits to see whether it has), running, preStop, delivering
(the shim sends the stop signal), stopping (it has sent it), killing (it sends
SIGKILL), killed, exited. HOOK is "stop (undelivered)" if the shim could not send
the stop signal for 10 seconds; ELAPSED is then the time since it was due.

NAMESPACE is containerd's. ps cuts generated ids to 12 characters. --watch redraws a
terminal until interrupted; elsewhere it prints the table again when something but
the time has changed, with -o json as one line.`,
		Example: `  bookend ps
  bookend ps --watch -n k8s.io
  bookend ps -o json | jq -r '.[] | select(.hook) | .container'`,
		Args: usage(cobra.NoArgs),
	}
	source := recordsFlags(cmd)
	namespace, full := namespaceFlag(cmd), command.NoTruncFlag(cmd)
	watch := cmd.Flags().BoolP("watch", "w", false, "go on until interrupted")
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := source.open(cmd.Context(), warner(cmd))
		if err != nil {
			return err
		}
		v := &psView{out: cmd.OutOrStdout(), as: *output, full: *full, live: *watch}
		v.terminal = v.live && terminal.Is(v.out)
		first := true
		return repeat(cmd.Context(), v.live, func() error {
			statuses, skipped, err := store.Statuses()
			if err != nil {
				return err
			}
			if first {
				warnSkipped(cmd, skipped)
				first = false
			}
			return v.draw(show.OfNamespace(statuses, *namespace), time.Now())
		})
	}
	return cmd
}

// psView is where ps prints, again and again.
type psView struct {
	out            io.Writer
	as             command.Format
	full           bool
	live, terminal bool
	before         []byte // what was printed, or in lieu of it what does not depend on the time
}

// draw prints the statuses, unless nothing of them is new.
func (v *psView) draw(statuses []record.Status, now time.Time) error {
	page, err := v.page(statuses, now)
	if err != nil {
		return err
	}
	essence := page
	if !v.terminal {
		if essence, err = v.page(statuses, time.Time{}); err != nil {
			return err
		}
	}
	if v.before != nil && bytes.Equal(essence, v.before) {
		return nil
	}
	again := v.before != nil
	v.before = essence
	switch {
	case v.as == command.AsJSON:
	case v.terminal:
		page = append([]byte(clearScreen), page...)
	case again:
		page = append([]byte("\n"), page...)
	}
	_, err = v.out.Write(page)
	return err
}

func (v *psView) page(statuses []record.Status, now time.Time) ([]byte, error) {
	var page bytes.Buffer
	var err error
	switch {
	case v.as == command.AsJSON && v.live:
		err = command.JSONLine(&page, show.Statuses(statuses, now))
	case v.as == command.AsJSON:
		err = command.JSON(&page, show.Statuses(statuses, now))
	default:
		err = command.Table(&page, show.PSHeader(), show.PS(statuses, now, v.full))
	}
	return page.Bytes(), err
}
