package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes of every command.
const (
	ExitOK     = 0 // done
	ExitFailed = 1 // it could not be done
	ExitUsage  = 2 // unknown command or flag, wrong arguments
	ExitFound  = 3 // done, and something is wrong with what was looked at
)

// usageError is a mistake in the command line itself.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage makes an error of check a mistake of usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// noSuchCommand refuses arguments of a command that only has others below it: they
// are meant for one.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	err := cobra.NoArgs(cmd, args)
	if err == nil {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		return fmt.Errorf("%w; did you mean %s?", err, strings.Join(like, " or "))
	}
	return err
}

func exitCode(err error) int {
	var wrong *usageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &wrong):
		return ExitUsage
	case errors.Is(err, errFound):
		return ExitFound
	default:
		return ExitFailed
	}
}

// isSilent tells whether everything has been said already.
func isSilent(err error) bool { return errors.Is(err, errFound) }
