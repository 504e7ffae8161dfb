package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	flagName    = regexp.MustCompile(`(^|[\s` + "`" + `])--([a-z][a-z-]*)`)
	commandName = regexp.MustCompile(`bookend (install|uninstall|doctor|events)\b`)
)

// Every flag that the page on installing names exists: in the command that stands
// before it on the line or, without one, in a command of the page.
func TestThePageOnInstallingNamesFlagsThatExist(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(page)) {
		for _, at := range flagName.FindAllStringSubmatchIndex(line, -1) {
			found++
			name := line[at[4]:at[5]]
			commands := []string{"install", "uninstall", "doctor", "events"}
			if before := commandName.FindAllStringSubmatch(line[:at[0]], -1); len(before) > 0 {
				commands = []string{before[len(before)-1][1]}
			}
			if !anyHas(t, commands, name) {
				t.Errorf("--%s is none of %v: %s", name, commands, line)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d flags were found", found)
	}
}

func anyHas(t *testing.T, commands []string, flag string) bool {
	t.Helper()
	for _, name := range commands {
		_, help, _ := run(t, "", name, "--help")
		if regexp.MustCompile(`(?m)^ .*--` + flag + `( |$)`).MatchString(help) {
			return true
		}
	}
	return false
}
