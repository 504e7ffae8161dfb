package manifest

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// command warns of the command of a hook in v, which no shell reads and in which
// no variable is expanded.
func (r *reporter) command(v *value, point hooks.Point) {
	list := field(field(field(v.root, string(point)), hooks.HandlerExec), "command")
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	argv := make([]string, len(list.Content))
	for i, item := range items(list) {
		argv[i] = item.Value
	}
	commandPath := join(join(v.path, string(point)), "exec.command")
	if len(argv) == 1 && len(strings.Fields(argv[0])) > 1 {
		r.add(Warning, v.line(list.Content[0].Line), itemPath(commandPath, 0),
			"is the name of a program with white space in it, which no shell splits: write %s", asCommand(argv[0]))
	}
	script := scriptOf(argv)
	for i, arg := range argv {
		if name := variable(arg, i == script); name != "" {
			r.add(Warning, v.line(list.Content[i].Line), itemPath(commandPath, i),
				"$(%s) stays as it is: nothing expands it in a hook; use a shell, [/bin/sh, -c, ...], and its variables", name)
		}
	}
}

// asCommand is how to write what is in one string.
func asCommand(s string) string {
	const longest = 80
	if len(s) > longest || strings.ContainsAny(s, "\n") {
		return "[/bin/sh, -c, ...]"
	}
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(words, ", ") + "], or [/bin/sh, -c, " + strconv.Quote(s) + "]"
}

// scriptOf returns which argument a shell reads as a script; -1: none.
func scriptOf(argv []string) int {
	at := slices.IndexFunc(argv, isShell)
	if at < 0 {
		return -1
	}
	for i := at + 1; i < len(argv); i++ {
		switch arg := argv[i]; {
		case !strings.HasPrefix(arg, "-"):
			return -1
		case !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, "c") && i+1 < len(argv):
			return i + 1
		}
	}
	return -1
}

func isShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "dash", "ksh", "zsh"}, path.Base(program))
}

var (
	anyVariable   = regexp.MustCompile(`(?:^|[^$])\$\(([A-Za-z_][-._A-Za-z0-9]*)\)`)
	upperVariable = regexp.MustCompile(`(?:^|[^$])\$\(([A-Z_][A-Z0-9_]*)\)`)
)

// variable returns the name in the first $(NAME) of an argument, which the
// kubelet expands in a container's own command and args. In a script that is a
// shell's way to run a command, and commands have no names in capitals.
func variable(arg string, inScript bool) string {
	in := anyVariable
	if inScript {
		in = upperVariable
	}
	if m := in.FindStringSubmatch(arg); m != nil {
		return m[1]
	}
	return ""
}

var sleepCommand = regexp.MustCompile(`^\s*(?:exec\s+)?(?:\S*/)?sleep\s+([0-9]+)(s|m|h)?[ \t]*(?:$|[;\n]|&&)`)

// commandSleeps returns how long a command sleeps before anything else; 0: it
// does something else.
func commandSleeps(argv []string) time.Duration {
	script := strings.Join(argv, " ")
	if at := scriptOf(argv); at == 2 && isShell(argv[0]) {
		script = argv[at]
	} else if path.Base(argv[0]) != "sleep" || len(argv) != 2 {
		return 0
	}
	m := sleepCommand.FindStringSubmatch(script)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]]
}
