package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/hooks"
)

func newHistory() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List what hooks did on this node",
		Long: `history lists the records of this node, one for each attempt of a hook, the latest
last. Records outlive their containers; the node's configuration limits how many
there are.

OUTCOME is Succeeded, Failed, TimedOut, Cancelled, Unknown (the shim died before
the attempt ended) or Running.

A stop signal that the shim could not send for 10 seconds has a row as well. HOOK is
"stop", CAUSE is the signal, and OUTCOME is Undelivered, Delivered, Ended (the
container ended first) or Unknown. "bookend logs" prints the error.

-o json prints all that a record has, except the output: "bookend logs" prints that.`,
		Example: `  bookend history --since 1h --outcome Failed --outcome TimedOut
  bookend history --container web/nginx --hook preStop --limit 5
  bookend history -o json | jq -r 'group_by(.outcome)[] | "\(length) \(.[0].outcome)"'`,
		Args: usage(cobra.NoArgs),
	}
	source := recordsFlags(cmd)
	var filter show.Filter
	namespace, full := namespaceFlag(cmd), command.NoTruncFlag(cmd)
	flags := cmd.Flags()
	since := command.WhenFlag(cmd, "since", show.ParseWhen, "only what started at or after this: 90m for ninety minutes ago, 2006-01-02 or 2006-01-02T15:04:05Z")
	until := command.WhenFlag(cmd, "until", show.ParseUntil, "only what started at or before this, as --since; includes the whole of a day")
	flags.StringVar(&filter.Container, "container", "", "only containers with this name, pod/name, or beginning of the id")
	_ = cmd.RegisterFlagCompletionFunc("container", completeContainers(source))
	command.HookFlag(cmd, &filter.Hook)
	command.ChoiceFlag(cmd, "outcome", "only this outcome; may be repeated", show.Outcomes(),
		func(s string) { filter.Outcomes = append(filter.Outcomes, hooks.Outcome(s)) })
	limit := flags.Int("limit", 0, "only the latest so many (default all)")
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		now := time.Now()
		filter.Namespace = *namespace
		var err error
		if filter.Since, err = since(now); err != nil {
			return &usageError{err}
		}
		if filter.Until, err = until(now); err != nil {
			return &usageError{err}
		}
		if *limit < 0 {
			return &usageError{fmt.Errorf("--limit: must be 0 or more, got %d", *limit)}
		}
		store, err := source.open(cmd.Context(), warner(cmd))
		if err != nil {
			return err
		}
		records, skipped, err := store.List()
		if err != nil {
			return err
		}
		warnSkipped(cmd, skipped)
		records = filter.Apply(records, *limit)
		if *output == command.AsJSON {
			return command.JSON(cmd.OutOrStdout(), show.Attempts(records, false))
		}
		return command.Table(cmd.OutOrStdout(), show.HistoryHeader(), show.History(records, now, *full))
	}
	return cmd
}
