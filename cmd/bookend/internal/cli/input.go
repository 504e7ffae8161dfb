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

// fileArgs are the arguments of a command that takes -f. Files may be among
// them: of "-f *.yaml" the shell makes a flag for the first one alone.
func fileArgs(cmd *cobra.Command) {
	cmd.Args = usage(cobra.ArbitraryArgs)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
	}
}

// readInput returns the content of a file that is named.
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

// inputName is how findings call a file that is named.
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
