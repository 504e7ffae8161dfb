package matrix

import (
	"regexp"
	"slices"
	"strings"
)

// detour is a reason to enter containers by their runtime's own exec.
type detour struct {
	reason   string // how it begins
	configs  *regexp.Regexp
	runtimes []string // nil: all
}

var detours = []detour{
	{
		reason:  `process.capabilities.bounding: the kernel does not have "CAP_NONE"`,
		configs: regexp.MustCompile(`^capabilities unknown$`),
	},
	{
		reason:   "process.capabilities: there are none",
		configs:  regexp.MustCompile(`^capabilities nil`),
		runtimes: []string{"runc-1.4", "runc-1.3", "runc-1.2", "runc-debian", "crun", "crun-debian"},
	},
	{
		reason:   "linux.seccomp: the runtime may know other rules",
		configs:  regexp.MustCompile(`^seccomp default`),
		runtimes: []string{"crun-debian"}, // which does not say what libseccomp it has
	},
	{
		reason:   "process.scheduler: it is not known",
		configs:  regexp.MustCompile(`^scheduler$`),
		runtimes: []string{"runc-1.2", "runc-debian", "crun", "crun-debian"},
	},
	{
		reason:   "process.ioPriority: it is not known",
		configs:  regexp.MustCompile(`^io priority$`),
		runtimes: []string{"runc-1.2", "runc-debian", "crun", "crun-debian"},
	},
	{
		reason:   "linux.personality: it is not known",
		configs:  regexp.MustCompile(`^personality$`),
		runtimes: []string{"runc-1.3", "runc-1.2", "runc-debian"},
	},
	{
		reason:   "process.user.umask:",
		configs:  regexp.MustCompile(`^umask$`),
		runtimes: []string{"runc-debian"},
	},
}

// meantDetour tells whether a hook was to go through the runtime.
func meantDetour(c *container, config configuration, reason string) bool {
	return slices.ContainsFunc(detours, func(d detour) bool {
		return strings.HasPrefix(reason, d.reason) && d.configs.MatchString(config.name) &&
			(d.runtimes == nil || slices.Contains(d.runtimes, c.name))
	})
}
