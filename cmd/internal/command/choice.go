package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bookend.dev/bookend/cmd/internal/show"
)

// choice is a flag with one of a few words, in any case.
type choice struct {
	words []string
	set   func(string)
	value string
}

// Set implements [pflag.Value].
func (c *choice) Set(s string) error {
	i := slices.IndexFunc(c.words, func(w string) bool { return strings.EqualFold(w, s) })
	if i < 0 {
		return fmt.Errorf("must be one of %s", strings.Join(c.words, ", "))
	}
	c.value = c.words[i]
	c.set(c.value)
	return nil
}

// String implements [pflag.Value].
func (c *choice) String() string { return c.value }

// Type implements [pflag.Value].
func (c *choice) Type() string { return "name" }

var _ pflag.Value = (*choice)(nil)

// ChoiceFlag adds a flag that takes one of words, and calls set with it, each
// time that it is given.
func ChoiceFlag(cmd *cobra.Command, name, help string, words []string, set func(string)) {
	cmd.Flags().Var(&choice{words: words, set: set}, name, help)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// HookFlag adds --hook, which fills hook with what [show.Hook] returns.
func HookFlag(cmd *cobra.Command, hook *string) {
	ChoiceFlag(cmd, "hook", "only this hook, postStart or preStop; stop: stop signals that the shim could not send", show.Hooks(),
		func(s string) { *hook = s })
}

// NoTruncFlag adds --no-trunc.
func NoTruncFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("no-trunc", false, "print ids in full")
}
