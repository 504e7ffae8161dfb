package plugin

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func newHistory(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history POD",
		Short: "List what the hooks of a pod did",
		Long: `history lists the records of the pod's hooks, one for each attempt, the latest last. The
node keeps a bounded number of them.

OUTCOME is Succeeded, Failed, TimedOut, Cancelled, Unknown (the shim died before the
attempt ended) or Running. A stop signal that the shim could not send for 10 seconds has
a row as well.`,
		Example: `  kubectl bookend history web-0 --outcome Failed --outcome TimedOut
  kubectl bookend history web-0 -c nginx --hook preStop --limit 5`,
	}
	var filter show.Filter
	container, full := containerFlag(cmd), command.NoTruncFlag(cmd)
	since := command.WhenFlag(cmd, "since", show.ParseWhen, "only what started at or after this: 90m for ninety minutes ago, 2006-01-02 or 2006-01-02T15:04:05Z")
	until := command.WhenFlag(cmd, "until", show.ParseUntil, "only what started at or before this, as --since; includes the whole of a day")
	command.HookFlag(cmd, &filter.Hook)
	command.ChoiceFlag(cmd, "outcome", "only this outcome; may be repeated", show.Outcomes(),
		func(s string) { filter.Outcomes = append(filter.Outcomes, hooks.Outcome(s)) })
	limit, output := cmd.Flags().Int("limit", 0, "only the latest so many (default all)"), command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if filter.Since, err = since(time.Now()); err != nil {
			return usage(err)
		}
		if filter.Until, err = until(time.Now()); err != nil {
			return usage(err)
		}
		if *limit < 0 {
			return usage(fmt.Errorf("%w, got %d", errLimit, *limit))
		}
		pod, err := c.podOf(args)
		if err != nil {
			return err
		}
		records, about, err := c.records(cmd, pod, *container)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			tellNothing(cmd, pod, "records", about)
		}
		records = filter.Apply(records, *limit)
		if *output == command.AsJSON {
			return command.JSON(cmd.OutOrStdout(), show.Attempts(records, false))
		}
		return command.Table(cmd.OutOrStdout(), show.HistoryHeader(), show.History(records, about.Now.In(time.Local), *full))
	}
	return cmd
}

// records reads all records of a pod or of one of its containers, without output.
func (c *client) records(cmd *cobra.Command, pod podArg, container string) (records []record.Record, about hooksapi.About, err error) {
	body, err := c.open(cmd.Context(), pod, hooksapi.SubresourceLog, map[string]string{hooksapi.ParamOutput: "false"})
	if err != nil {
		return nil, about, err
	}
	defer body.Close()
	err = logReader{
		head: func(a hooksapi.About) { about = a },
		record: func(r record.Record) error {
			if container == "" || r.Name == container {
				records = append(records, r)
			}
			return nil
		},
		note: note(cmd),
	}.read(cmd.Context(), body)
	return records, about, err
}
