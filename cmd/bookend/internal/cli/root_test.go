package cli

import (
	"bytes"
	"strings"
	"testing"
)

// run executes the command line and returns its exit code and what it printed.
func run(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Execute(t.Context(), args, Streams{In: strings.NewReader(in), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func TestUsageMistakesHaveTheirExitCode(t *testing.T) {
	for _, tt := range []struct{ args, says string }{
		{"nonsense", `unknown command "nonsense" for "bookend"`},
		{"vaildate", `unknown command "vaildate" for "bookend"; did you mean validate?` + "\n" + "See bookend --help\n"},
		{"logs", "name one container: its id, name or pod/name\nSee bookend logs --help\n"},
		{"config chekc", `did you mean check?` + "\n"},
		{"--nonsense", "unknown flag: --nonsense"},
		{"version extra", `unknown command "extra" for "bookend version"`},
		{"version -o yaml", "must be table or json"},
	} {
		code, out, errs := run(t, "", strings.Fields(tt.args)...)
		if code != ExitUsage || !strings.Contains(errs, tt.says) || !strings.HasPrefix(errs, "bookend: ") || !strings.HasSuffix(errs, " --help\n") || out != "" {
			t.Errorf("bookend %s: exit code %d, stdout %q, stderr %q; want %d and %q", tt.args, code, out, errs, ExitUsage, tt.says)
		}
	}
}

func TestVersionIsPrintedForPeopleAndPrograms(t *testing.T) {
	code, out, _ := run(t, "", "version")
	if code != ExitOK || !strings.HasPrefix(out, "bookend "+Version+" (go") {
		t.Errorf("version: exit code %d, %q", code, out)
	}
	code, out, _ = run(t, "", "version", "-o", "json")
	if code != ExitOK || !strings.Contains(out, `"version": "`+Version+`"`) {
		t.Errorf("version -o json: exit code %d, %q", code, out)
	}
}
