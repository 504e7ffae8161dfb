package doctor

import "fmt"

// Status is how a check ended.
type Status string

// The statuses.
const (
	Pass    Status = "pass"
	Warning Status = "warning" // hooks run, with a limit; or it cannot be told
	Fail    Status = "fail"    // hooks do not run, or not as they should
)

// Result of one check.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`         // what doctor found
	Fix    string `json:"fix,omitempty"` // what to do; empty: nothing
}

func pass(format string, args ...any) Result {
	return Result{Status: Pass, Found: fmt.Sprintf(format, args...)}
}

func warn(fix, format string, args ...any) Result {
	return Result{Status: Warning, Found: fmt.Sprintf(format, args...), Fix: fix}
}

func fail(fix, format string, args ...any) Result {
	return Result{Status: Fail, Found: fmt.Sprintf(format, args...), Fix: fix}
}

// check is one line of the table.
type check struct {
	name string
	look func(*Facts) Result
}

// Examine makes every check.
func Examine(f *Facts) []Result {
	checks := []check{
		{"distribution", distributionKnown},
		{"containerd", containerdRuns},
		{"runtime", runtimeConfigured},
		{"annotations", annotationsListed},
		{"loaded", runtimeLoaded},
		{"shim", shimFound},
		{"bookend-exec", executorFound},
		{"bookend", commandFits},
		{"PATH", shimOnPath},
		{"runc", runcFound},
		{"seccomp", seccompFits},
		{"exec", execEntered},
		{"kernel", kernelFits},
		{"cgroups", cgroupsFit},
		{"capabilities", capabilitiesHeld},
		{"configuration", configurationValid},
		{"records", recordsWritable},
	}
	results := make([]Result, len(checks))
	for i, c := range checks {
		results[i] = c.look(f)
		results[i].Check = c.name
	}
	return results
}

// Failed tells whether any check did.
func Failed(results []Result) bool {
	for _, r := range results {
		if r.Status == Fail {
			return true
		}
	}
	return false
}
