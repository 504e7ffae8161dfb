package joiner

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// enumStep reads enum step of the C source: the names by their numbers.
func enumStep(t *testing.T) map[Step]string {
	t.Helper()
	source, err := os.ReadFile("src/joiner.h")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)\nenum step \{(.*?)\};`).FindSubmatch(source)
	if list == nil {
		t.Fatal("src/joiner.h has no enum step")
	}
	steps, next := map[Step]string{}, 0
	for entry := range strings.SplitSeq(cComment.ReplaceAllString(string(list[1]), ""), ",") {
		name, number, numbered := strings.Cut(strings.TrimSpace(entry), " = ")
		if name == "" {
			continue
		}
		if numbered {
			if next, err = strconv.Atoi(number); err != nil {
				t.Fatalf("%q: %v", entry, err)
			}
		}
		steps[Step(next)] = name
		next++
	}
	return steps
}

func TestStepsAreThoseOfTheSource(t *testing.T) {
	steps := enumStep(t)
	const ready = 255 // which is no failure
	if steps[ready] != "READY" {
		t.Errorf("step %d is %s, want READY", ready, steps[ready])
	}
	delete(steps, ready)
	if len(steps) != len(stepNames)-1 {
		t.Errorf("the source has %d steps, and %d have a name", len(steps), len(stepNames)-1)
	}
	for step, name := range map[Step]string{
		OpenInit: "OPEN_INIT", CheckInit: "CHECK_INIT", JoinNamespaces: "JOIN_NAMESPACES", JoinCgroup: "JOIN_CGROUP",
		Stdin: "STDIN", Cwd: "CWD", LookUp: "LOOK_UP", Exec: "EXEC",
	} {
		if steps[step] != name {
			t.Errorf("step %d is %s in the source, %s here", step, steps[step], name)
		}
	}
	// What a step is called for a log, as far as its name in the source tells.
	for name, want := range map[string]string{
		"READ_PLAN": "read plan", "OPEN_PROC": "open /proc", "OPEN_INIT": "open init", "CHECK_INIT": "check init",
		"OPEN_CGROUP": "open cgroup", "RAISE_LIMITS": "raise limits", "OOM_SCORE": "set oom_score_adj",
		"UNDUMPABLE": "become undumpable", "JOIN_NAMESPACES": "join namespaces", "BECOME_ROOT": "become root of user namespace",
		"MAKE_PIPES": "make pipes", "FORK": "fork", "JOIN_CGROUP": "join cgroup", "SESSION": "make session",
		"CGROUP_NAMESPACE": "make cgroup namespace", "KEYRING_LABEL": "label keyring", "KEYRING": "join session keyring",
		"NO_NEW_PRIVILEGES": "set no_new_privs", "SCHEDULER": "set scheduler", "IO_PRIORITY": "set io priority",
		"PERSONALITY": "set personality", "LIMITS": "set limits", "STDIN": "open stdin", "LABEL": "set label",
		"SECCOMP": "load seccomp program", "BOUNDING_SET": "drop bounding set", "GROUPS": "set groups", "GID": "set gid",
		"UID": "set uid", "CWD": "chdir", "CWD_OUTSIDE": "chdir: outside of the container's root", "CAPS": "set capabilities",
		"LOOK_UP": "exec", "LOOK_UP_RELATIVE": "exec: cannot run executable found relative to current directory", "EXEC": "exec",
	} {
		for step, inSource := range steps {
			if inSource == name {
				delete(steps, step)
				if step.String() != want {
					t.Errorf("%s is called %q, want %q", name, step, want)
				}
			}
		}
	}
	if len(steps) != 0 {
		t.Errorf("the source has steps that this test does not know: %v", steps)
	}
}

var (
	cComment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cFunction  = regexp.MustCompile(`(?sm)^\w[^\n;=]*?(\w+)\([^\n;]*\)\n\{\n(.*?)^\}`)
	stepOrCall = regexp.MustCompile(`\b([A-Z_]+)\b|\b(\w+)\(`)
)

// stepsTaken expands a function of the C source to the steps at which it and what
// it calls may fail, in the order in which the source has them.
func stepsTaken(functions map[string]string, function string) []string {
	var taken []string
	for _, word := range stepOrCall.FindAllStringSubmatch(functions[function], -1) {
		if call := word[2]; call == "" {
			taken = append(taken, word[1])
		} else if call != "child" { // the other flow
			taken = append(taken, stepsTaken(functions, call)...)
		}
	}
	return taken
}

func TestStepsAreInTheOrderOfTheSource(t *testing.T) {
	files, err := filepath.Glob("src/*.c")
	must(t, err)
	functions := map[string]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		must(t, err)
		for _, f := range cFunction.FindAllSubmatch(cComment.ReplaceAll(source, nil), -1) {
			functions[string(f[1])] = string(f[2])
		}
	}
	steps := enumStep(t)
	taken := append(stepsTaken(functions, "joiner"), stepsTaken(functions, "child")...)
	at := map[string]int{} // where each is taken last, but for two
	for i, word := range taken {
		if at[word] == 0 || word != "SECCOMP" && word != "LOOK_UP" {
			at[word] = i + 1
		}
	}
	for step := Step(1); step < Exec; step++ {
		if this, next := at[steps[step]], at[steps[step+1]]; this == 0 || next < this {
			t.Errorf("%s is not taken before %s", steps[step], steps[step+1])
		}
	}
}

func TestNewsTell(t *testing.T) {
	failed := func(step Step, errno syscall.Errno) News { return News{Kind: Failed, Step: step, Errno: errno} }
	for _, tc := range []struct {
		news News
		text string
		gone bool
	}{
		{failed(OpenInit, syscall.ESRCH), "open init: no such process", true},
		{failed(CheckInit, syscall.ESRCH), "check init: no such process", true},
		{failed(JoinNamespaces, syscall.ESRCH), "join namespaces: no such process", true},
		{failed(JoinNamespaces, syscall.EPERM), "join namespaces: operation not permitted", false},
		{failed(JoinCgroup, syscall.ESRCH), "join cgroup: no such process", false},
		{failed(JoinCgroup+1, syscall.EPERM), "make session: operation not permitted", false},
		{failed(Exec, syscall.ENOENT), "exec: no such file or directory", false},
		{failed(31, 0), "chdir: outside of the container's root", false},
		{failed(200, 0), "step 200", false},
		{failed(0, syscall.EIO), "step 0: input/output error", false},
		{News{Kind: Ended, Step: OpenInit, Errno: syscall.ESRCH}, "open init: no such process", false},
	} {
		if got := tc.news.Error(); got != tc.text || tc.news.Gone() != tc.gone {
			t.Errorf("%+v: %q, gone %v; want %q, %v",
				tc.news, got, tc.news.Gone(), tc.text, tc.gone)
		}
	}
}
