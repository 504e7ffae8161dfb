package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"bookend.dev/bookend/hooks"
	"github.com/spf13/cobra"
)

// stdin is how an argument names the standard input.
const stdin = "-"

var errNoFiles = errors.New("no file given, use -f FILE, or -f - for the standard input")

// filesFlag adds -f to a command. It may be given more than once.
func filesFlag(cmd *cobra.Command, use string) *[]string {
	files := cmd.Flags().StringArrayP("filename", "f", nil, use)
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml", "json")
	return files
}

// readInput returns the content of a file that -f names.
func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	if name != stdin {
		return os.ReadFile(name)
	}
	data, err := io.ReadAll(cmd.InOrStdin())
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return data, nil
}

// inputName is how findings call a file that -f names.
func inputName(name string) string {
	if name == stdin {
		return "<stdin>"
	}
	return name
}

// policyFlag adds --config to a command. The function it returns reads the
// file; nil without an error: none was given.
func policyFlag(cmd *cobra.Command) func() (*hooks.Config, error) {
	path := cmd.Flags().String("config", "", "apply the policy and defaults of this node configuration (default: those of a node without one)")
	_ = cmd.MarkFlagFilename("config", "toml")
	return func() (*hooks.Config, error) {
		if *path == "" {
			return nil, nil
		}
		data, err := os.ReadFile(*path)
		if err != nil {
			return nil, err
		}
		return hooks.ParseConfig(data, *path)
	}
}
