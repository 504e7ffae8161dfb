package cli

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/hooks"
)

// defaultConfig is a file with every key and its default.
//
//go:embed default.toml
var defaultConfig string

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print or check the node's configuration",
		Long: `config prints or checks the node's configuration: a TOML file with the defaults of
hooks, what annotations may ask for, and where records are. The shim reads it at
each Create.`,
		Example: `  bookend config default
  bookend config check`,
		Args: usage(noSuchCommand),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigDefault(), newConfigCheck())
	return cmd
}

func newConfigDefault() *cobra.Command {
	return &cobra.Command{
		Use:   "default",
		Short: "Print a configuration with every key, its default and what it means",
		Long: `default prints a configuration file that gives every key its default. A comment says
what the key means and in which unit. Used as it is, the file changes nothing.`,
		Example: `  bookend config default > ` + hooks.ConfigPath + `
  bookend config check`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), defaultConfig)
			return err
		},
	}
}

func newConfigCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration as the shim would read it",
		Long: `check reads FILE as the shim would, and prints the first mistake:

    FILE:LINE: KEY: what was expected

Without FILE it reads the file that $` + hooks.ConfigEnv + ` names, else ` + hooks.ConfigPath + `,
which need not exist. "-" is the standard input. The variable is this command's own:
containerd's may name another file.`,
		Example: `  bookend config check
  bookend config check -o json node.toml`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		checked, err := checkConfig(cmd, args)
		if err != nil {
			return err
		}
		if err := checked.print(cmd.OutOrStdout(), *output); err != nil {
			return err
		}
		if !checked.Valid {
			return errFound
		}
		return nil
	}
	return cmd
}

// configChecked is the result of a check.
type configChecked struct {
	File    string `json:"file"`
	Valid   bool   `json:"valid"`
	Exists  bool   `json:"exists"`            // false: the defaults hold
	Line    int    `json:"line,omitempty"`    // of the mistake; 0: not known
	Message string `json:"message,omitempty"` // key, and what was expected
}

// checkConfig reads the file that args or the environment name. An error means
// that it could not be read.
func checkConfig(cmd *cobra.Command, args []string) (configChecked, error) {
	named := ""
	if len(args) > 0 {
		named = args[0]
	}
	file := hooks.LocateConfig(named, os.Getenv(hooks.ConfigEnv))
	c := configChecked{File: file.Path, Valid: true, Exists: true}
	var err error
	if file.Path == stdin {
		var data []byte
		if data, err = readInput(cmd, stdin); err == nil {
			_, err = hooks.ParseConfig(data, stdin)
		}
	} else {
		_, c.Exists, err = file.Load()
	}
	var invalid *hooks.InvalidError
	if errors.As(err, &invalid) {
		c.Valid, c.Line, c.Message = false, invalid.Line, invalid.Detail()
		return c, nil
	}
	return c, err
}

func (c configChecked) print(w io.Writer, as command.Format) (err error) {
	switch {
	case as == command.AsJSON:
		err = command.JSON(w, c)
	case !c.Exists:
		_, err = fmt.Fprintf(w, "%s: does not exist: the defaults hold\n", c.File)
	case c.Valid:
		_, err = fmt.Fprintf(w, "%s: ok\n", c.File)
	case c.Line > 0:
		_, err = fmt.Fprintf(w, "%s:%d: %s\n", c.File, c.Line, c.Message)
	default:
		_, err = fmt.Fprintf(w, "%s: %s\n", c.File, c.Message)
	}
	return err
}
