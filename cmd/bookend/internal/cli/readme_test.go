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

// Every flag that README's section on installing names is there: of the command
// that stands before it on the line or, without one, of a command of the section.
func TestReadmesInstallationNamesFlagsThatExist(t *testing.T) {
	readme, err := os.ReadFile("../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Install\n")
	section, _, _ = strings.Cut(section, "\n## ")
	found := 0
	for line := range strings.Lines(section) {
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
