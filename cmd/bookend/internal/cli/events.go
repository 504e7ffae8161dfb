package cli

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/hookevents"
	"bookend.dev/bookend/cmd/internal/interrupt"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func newEvents() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Follow the events of hooks on containerd's event bus",
		Long: `events prints every event of a hook from now on, until interrupted: start, then
success, failure, timeout or cancel; and undelivered, for a stop signal that the
shim could not send for 10 seconds. -o json prints each as an object on a line of
its own. Shims drop events if containerd is away or slow. The records are complete:
see "bookend history".

events fails if it cannot reach containerd, and when containerd goes away.`,
		Example: `  bookend events
  bookend events -n k8s.io -o json | jq -c 'select(.what == "failure") | .labels'`,
		Args: usage(cobra.NoArgs),
	}
	address := cmd.Flags().String("address", "", "containerd's socket (default $"+addressEnv+", else that of the distribution)")
	namespace, full := namespaceFlag(cmd), command.NoTruncFlag(cmd)
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out := cmd.OutOrStdout()
		ctx, stop := interrupt.Context(cmd.Context())
		defer stop()
		return hookevents.Follow(ctx, containerdSocket(*address, usualSocket(ctx)), *namespace, func(ev hookevents.Event) error {
			if *output == command.AsJSON {
				return command.JSONLine(out, ev)
			}
			return printEvent(out, ev, *full)
		})
	}
	return cmd
}

// printEvent prints a line: there is no table, because its columns would have to
// be known before the last event is.
func printEvent(w io.Writer, ev hookevents.Event, full bool) error {
	container := ev.Container
	if !full {
		container = show.ShortID(container)
	}
	if name := ev.Labels[hooks.LabelContainerName]; name != "" {
		container += " (" + name + ")"
	}
	hook := ev.Labels[hooks.LabelHook]
	if ev.What == hookevents.Undelivered {
		hook = string(record.Stop)
	}
	said := cmp.Or(ev.Labels[hooks.LabelMessage], ev.Labels[hooks.LabelHandler])
	if reason := ev.Labels[hooks.LabelReason]; reason != "" {
		said = reason + ": " + said
	}
	line := fmt.Sprintf("%s  %-7s  %s  %s  %-9s  %s",
		ev.Time.Local().Format("2006-01-02 15:04:05.000"), ev.What, ev.Namespace, container, hook, said)
	_, err := fmt.Fprintln(w, terminal.Escape(line))
	return err
}
