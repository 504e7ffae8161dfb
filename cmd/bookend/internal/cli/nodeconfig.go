package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"bookend.dev/bookend/cmd/internal/daemon"
	"bookend.dev/bookend/hooks"
)

// nodeConfig reads the node's configuration as a shim does: from the file that
// is named, else from the one that the environment names, else from the usual
// one, which need not be there.
func nodeConfig(ctx context.Context, named string) (*hooks.Config, error) {
	if named == "" {
		named = configInEnvironment(ctx)
	}
	path := cmp.Or(named, hooks.ConfigPath)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return hooks.DefaultConfig(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return hooks.ParseConfig(data, path)
}

// configInEnvironment is the file that this command's environment names, else
// that of containerd, which shims inherit; empty: neither does, or no daemon
// answers that could be asked.
func configInEnvironment(ctx context.Context) string {
	if own := os.Getenv(hooks.ConfigEnv); own != "" {
		return own
	}
	d, err := daemon.Find(ctx, containerdSocket(""))
	if err != nil {
		return ""
	}
	return d.Env[hooks.ConfigEnv]
}
