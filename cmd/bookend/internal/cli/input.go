package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/hooks"
)

// stdin is how an argument names the standard input.
const stdin = "-"

// manifestSuffixes are those of the files that are read in a directory.
func manifestSuffixes() []string { return []string{".yaml", ".yml", ".json"} }

// filesFlag adds -f and -R to a command. The function it returns lists the files
// that they and args name: in place of a directory its manifests.
func filesFlag(cmd *cobra.Command, use string) func(args []string) ([]string, error) {
	names := cmd.Flags().StringArrayP("filename", "f", nil, use+"; a directory stands for its *.yaml, *.yml and *.json")
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml", "json")
	recursive := cmd.Flags().BoolP("recursive", "R", false, "also read the directories below a directory")
	return func(args []string) ([]string, error) {
		named := slices.Concat(*names, args)
		if len(named) == 0 {
			return nil, &usageError{errNoFiles}
		}
		var files []string
		for _, name := range named {
			found, err := filesIn(name, *recursive)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
		return files, nil
	}
}

// filesIn returns the manifests in a directory, in order. Any other name stands
// for itself, whether it exists or not.
func filesIn(name string, recursive bool) ([]string, error) {
	if name == stdin || !isDirectory(name) {
		return []string{name}, nil
	}
	// With the separator a symbolic link to a directory is the directory.
	root := strings.TrimRight(name, "/") + "/"
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && !recursive && path != root:
			return fs.SkipDir
		case slices.Contains(manifestSuffixes(), filepath.Ext(path)) && !isSpecial(path):
			files = append(files, path)
		}
		return nil
	})
	switch {
	case err != nil || len(files) > 0:
		return files, err
	case recursive:
		return nil, fmt.Errorf("%s: no *.yaml, *.yml or *.json in this directory or below it", name)
	}
	return nil, fmt.Errorf("%s: no *.yaml, *.yml or *.json in this directory; -R reads those below it too", name)
}

// isSpecial tells whether name is a directory, or one of the things that may never
// end or never begin to be read: a FIFO, a device. What cannot be looked at is not.
func isSpecial(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.Mode().IsRegular()
}

func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
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
		c, _, err := hooks.LocateConfig(*path, "").Load()
		return c, err
	}
}
