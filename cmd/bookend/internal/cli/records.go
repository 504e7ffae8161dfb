package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"bookend.dev/bookend/cmd/internal/show"
	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// recordsSource is what flags say of where the records of a node are.
type recordsSource struct{ config, dir string }

func recordsFlags(cmd *cobra.Command) *recordsSource {
	p := &recordsSource{}
	cmd.Flags().StringVar(&p.config, "config", "", "the node's configuration, which names the directory of the records (default: the file in $"+hooks.ConfigEnv+", yours or else containerd's, else "+hooks.ConfigPath+")")
	cmd.Flags().StringVar(&p.dir, "records", "", "directory of the records, in place of the configuration's; it must exist")
	_ = cmd.MarkFlagDirname("records")
	return p
}

// open returns the store that shims write to, which is not there before the
// first record. Where the node's own configuration cannot be read it is the
// default one, and warn is told: such a node is one to look at. What a flag names
// must be right: a file valid, a directory there.
func (p *recordsSource) open(ctx context.Context, warn func(error)) (*record.Store, error) {
	if p.dir != "" {
		var st unix.Stat_t
		// With a slash at its end a path leads to a directory or nowhere.
		if err := unix.Stat(p.dir+"/", &st); err != nil {
			return nil, fmt.Errorf("--records: %s: %w", p.dir, err)
		}
		return record.Open(p.dir, record.Limits{}), nil
	}
	cfg, err := nodeConfig(ctx, p.config)
	switch {
	case err != nil && p.config != "":
		return nil, err
	case err != nil:
		cfg = hooks.DefaultConfig()
		warn(fmt.Errorf("%w: looking for records in %s", err, cfg.Records.Directory))
	}
	return record.Open(cfg.Records.Directory, record.Limits{}), nil
}

// subjects are the containers that the store knows, some more than once.
func subjects(store *record.Store) ([]record.Subject, error) {
	statuses, _, err := store.Statuses()
	if err != nil {
		return nil, err
	}
	records, _, err := store.List()
	if err != nil {
		return nil, err
	}
	var all []record.Subject
	for _, st := range statuses {
		all = append(all, st.Subject)
	}
	for _, r := range records {
		all = append(all, r.Subject)
	}
	return all, nil
}

// namespaceFlag adds -n.
func namespaceFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("namespace", "n", "", "only this containerd namespace, such as k8s.io (default all)")
}

// warner returns what prints warnings.
func warner(cmd *cobra.Command) func(error) {
	return func(err error) { cmd.PrintErrf("bookend: warning: %s\n", terminal.Escape(err.Error())) }
}

// warnSkipped says that files were passed over.
func warnSkipped(cmd *cobra.Command, skipped []error) {
	if len(skipped) > 0 {
		cmd.PrintErrf("bookend: %d unreadable files among the records were passed over, such as %s\n", len(skipped), terminal.Escape(skipped[0].Error()))
	}
}

// completeContainers offers the ids and names of containers.
func completeContainers(p *recordsSource) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		store, err := p.open(cmd.Context(), func(error) {})
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		all, err := subjects(store)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return show.Words(all), cobra.ShellCompDirectiveNoFileComp
	}
}
