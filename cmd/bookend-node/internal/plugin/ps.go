package plugin

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/hooks/record"
)

func newPS(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ps POD",
		Short: "List the containers of a pod that have hooks, and what runs",
		Long: `ps lists the pod's containers with hooks: the phase of each, the hook that runs, for how
long, and how much time it has left ("-": no limit). On the node, "bookend ps --help"
explains the phases.`,
		Example: `  kubectl bookend ps web-0
  kubectl bookend ps web-0 -o json | jq -r '.[] | select(.hook) | .name'`,
	}
	container, full, output := containerFlag(cmd), command.NoTruncFlag(cmd), command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		pod, err := c.podOf(args)
		if err != nil {
			return err
		}
		body, err := c.open(cmd.Context(), pod, hooksapi.SubresourceHooks, nil)
		if err != nil {
			return err
		}
		defer body.Close()
		var got hooksapi.PodHooks
		if err := json.NewDecoder(body).Decode(&got); err != nil {
			return fmt.Errorf("read the answer of the node's agent: %w", err)
		}
		statuses := slices.DeleteFunc(show.OfNamespace(got.Containers, ""), func(st record.Status) bool {
			return *container != "" && st.Name != *container
		})
		if len(statuses) == 0 {
			tellNothing(cmd, pod, "containers with hooks", got.About)
		}
		if *output == command.AsJSON {
			return command.JSON(cmd.OutOrStdout(), show.Statuses(statuses, got.Now))
		}
		return command.Table(cmd.OutOrStdout(), show.PSHeader(), show.PS(statuses, got.Now, *full))
	}
	return cmd
}

// containerFlag adds -c.
func containerFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("container", "c", "", "only the container of this name (default all)")
}
