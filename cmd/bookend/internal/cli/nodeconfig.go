package cli

import (
	"context"
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
	cfg, _, err := hooks.LocateConfig(named, "").Load()
	return cfg, err
}

// configInEnvironment is the file that this command's environment names, else
// that of containerd, which shims inherit; empty: neither does, or no daemon
// answers that could be asked.
func configInEnvironment(ctx context.Context) string {
	if own := os.Getenv(hooks.ConfigEnv); own != "" {
		return own
	}
	d, err := daemon.Find(ctx, containerdSocket("", usualSocket(ctx)))
	if err != nil {
		return ""
	}
	return d.Env[hooks.ConfigEnv]
}
