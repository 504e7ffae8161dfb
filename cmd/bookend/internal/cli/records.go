package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/bookend/internal/show"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// recordsPlace are the flags that say where the records of a node are.
type recordsPlace struct{ config, dir string }

func recordsFlags(cmd *cobra.Command) *recordsPlace {
	p := &recordsPlace{}
	cmd.Flags().StringVar(&p.config, "config", "", "the node's configuration, which says where records are (default $"+hooks.ConfigEnv+", else "+hooks.ConfigPath+")")
	cmd.Flags().StringVar(&p.dir, "records", "", "directory of the records, in place of the configuration's")
	_ = cmd.MarkFlagDirname("records")
	return p
}

// open returns the store that shims write to; it need not be there.
func (p *recordsPlace) open() (*record.Store, error) {
	if p.dir != "" {
		return record.Open(p.dir, record.Limits{}), nil
	}
	cfg, err := nodeConfig(p.config)
	if err != nil {
		return nil, err
	}
	return record.Open(cfg.Records.Directory, record.Limits{}), nil
}

// nodeConfig reads the node's configuration as a shim does: from the file that
// is named, else from the one that the environment names, else from the usual
// one, which need not be there.
func nodeConfig(named string) (*hooks.Config, error) {
	if named == "" {
		named = os.Getenv(hooks.ConfigEnv)
	}
	path := named
	if path == "" {
		path = hooks.ConfigPath
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return hooks.DefaultConfig(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return hooks.ParseConfig(data, path)
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

// warnSkipped says that files were passed over.
func warnSkipped(cmd *cobra.Command, skipped []error) {
	if len(skipped) > 0 {
		cmd.PrintErrf("bookend: %d unreadable files among the records were passed over, such as %s\n", len(skipped), show.Escape(skipped[0].Error()))
	}
}

// completeContainers offers the ids and names of containers.
func completeContainers(p *recordsPlace) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		store, err := p.open()
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
