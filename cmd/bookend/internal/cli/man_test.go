package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// every calls check with each command.
func every(cmd *cobra.Command, check func(*cobra.Command)) {
	check(cmd)
	for _, sub := range cmd.Commands() {
		every(sub, check)
	}
}

func TestEveryCommandSaysWhatItIs(t *testing.T) {
	every(newRoot(Streams{}), func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || strings.Contains(cmd.Short, "\n") {
			t.Errorf("%s: Short is %q, want one line without a full stop", cmd.CommandPath(), cmd.Short)
		}
		if cmd.Args == nil {
			t.Errorf("%s takes any arguments", cmd.CommandPath())
		}
		if cmd.HasSubCommands() || cmd.Name() == "version" {
			return
		}
		if cmd.Long == "" || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s: no Long, or no Example of it", cmd.CommandPath())
		}
	})
}

func TestEveryCommandHasItsManualPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if code, _, errs := run(t, "", "man", dir); code != ExitOK {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	every(newRoot(Streams{}), func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(page), strings.ReplaceAll(cmd.Short, "-", `\-`)) && !strings.Contains(string(page), cmd.Short) {
			t.Errorf("%s: %v", name, err)
		}
	})
	_, page, _ := run(t, "", "man")
	again, _ := os.ReadFile(filepath.Join(dir, "bookend.1"))
	if !strings.HasPrefix(page, ".nh\n.TH \"BOOKEND\" \"1\"") || len(again) == 0 {
		t.Errorf("the first page is %.80q", page)
	}
}

func TestEveryShellHasACompletion(t *testing.T) {
	for shell, says := range map[string]string{
		"bash": "__start_bookend", "zsh": "#compdef bookend", "fish": "complete -c bookend", "powershell": "Register-ArgumentCompleter",
	} {
		if code, out, errs := run(t, "", "completion", shell); code != ExitOK || !strings.Contains(out, says) {
			t.Errorf("%s: exit code %d, %s%.80q", shell, code, errs, out)
		}
	}
	if code, _, _ := run(t, "", "completion", "csh"); code != ExitUsage {
		t.Errorf("csh: exit code %d", code)
	}
}
