package matrix

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// meaning is a difference that is meant.
type meaning struct {
	reason   string
	keys     []string
	configs  *regexp.Regexp // the names of the configurations it concerns; nil: all
	runtimes []string       // the names of the runtimes it concerns; nil: all
	holds    func(d difference) bool
}

// hookCgroup is a hook's cgroup at the end of the line of v1's freezer, or in all
// that there is on cgroup v2, as the probe escapes it.
var hookCgroup = regexp.MustCompile(`(:freezer:|^0::)([^\\]*)/bookend-[^/\\]*\\n`)

func withoutHookCgroup(cgroups string) string {
	return hookCgroup.ReplaceAllStringFunc(cgroups, func(line string) string {
		found := hookCgroup.FindStringSubmatch(line)
		return found[1] + cmp.Or(found[2], "/") + `\n`
	})
}

// unified tells whether this machine has cgroup v2 alone.
var unified = sync.OnceValue(func() bool {
	_, err := os.Stat("/sys/fs/cgroup/cgroup.controllers")
	return err == nil
})

var nullDevice = regexp.MustCompile(`^kind 20000 .* device 1:3 flags 100000, closed by execve: 0$`)

// keyring is what the probe says of a keyring that exists: its serial, and what
// it is.
var keyring = regexp.MustCompile(`^ok [0-9a-f]+ (.*)$`)

// noSignals is a set of signals in /proc/<pid>/status that is empty.
const noSignals = "0000000000000000"

// ignoredHere are the signals that this process ignores, and hands on to runtimes.
var ignoredHere = sync.OnceValue(func() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return noSignals
	}
	_, after, _ := strings.Cut(string(status), "\nSigIgn:\t")
	set, _, _ := strings.Cut(after, "\n")
	return set
})

var meanings = []meaning{
	{
		reason: "stdin is the container's /dev/null, not what the caller of exec has",
		keys:   []string{"fd 0", "open /proc/self/fd/0", "open /dev/stdin"},
		holds:  func(d difference) bool { return d.hook == "ok" || nullDevice.MatchString(d.hook) },
	},
	{
		reason: "a hook has a cgroup of its own below the container's, of v1's hierarchies in the freezer's",
		keys:   []string{"/proc/self/cgroup"},
		holds:  func(d difference) bool { return withoutHookCgroup(d.hook) == d.exec },
	},
	{
		reason: "on v2 a hook has a cgroup namespace of its own where its container has one, rooted in its own cgroup",
		keys:   []string{"/proc/self/ns/cgroup"},
		holds: func(d difference) bool {
			return unified() && strings.HasPrefix(d.hook, "cgroup:[") && strings.HasPrefix(d.exec, "cgroup:[")
		},
	},
	{
		reason: "from there the container's cgroup, in which CPUs are given, is one above",
		keys:   []string{"/proc/self/cpuset"},
		holds:  func(d difference) bool { return unified() && d.hook == `/..\n` && d.exec == `/\n` },
	},
	{
		reason: "a runtime hands on what its caller ignores, as make does two of glibc's signals; a hook ignores nothing",
		keys:   []string{"/proc/self/status SigIgn", "signals not at rest"},
		holds: func(d difference) bool {
			return strings.Trim(d.hook, "0") == "" && strings.TrimLeft(d.exec, "0") == strings.TrimLeft(ignoredHere(), "0") ||
				d.hook == "" && ignoredHere() != noSignals
		},
	},
	{
		reason:  "in a user namespace no exec finds the session keyring of another: each makes one of that name",
		keys:    []string{"keyring session"},
		configs: regexp.MustCompile(`^user namespace`),
		holds: func(d difference) bool {
			hook, exec := keyring.FindStringSubmatch(d.hook), keyring.FindStringSubmatch(d.exec)
			return hook != nil && exec != nil && hook[1] == exec[1]
		},
	},
	{
		reason:   "of a variable that is set twice, or is an empty HOME, runc before 1.3 and crun keep the first place, newer runcs the last",
		keys:     []string{"env.0", "env.1", "env.2"},
		configs:  regexp.MustCompile(`^environment (twice|with empty HOME)$`),
		runtimes: []string{"runc-1.2", "runc-debian", "crun", "crun-debian"},
	},
	{
		reason:   "crun and runc before 1.2 have an exec keep its caller's affinity; a hook's is reset, as newer runcs do",
		keys:     []string{"affinity", "/proc/self/status Cpus_allowed", "/proc/self/status Cpus_allowed_list"},
		configs:  regexp.MustCompile(`^caller$`),
		runtimes: []string{"runc-debian", "crun", "crun-debian"},
	},
	{
		reason:   "of a runc built with Go 1.19 the process that becomes the command may raise its soft limit of files",
		keys:     []string{"rlimit 7", "/proc/self/limits Max open files"},
		configs:  regexp.MustCompile(`^rlimits$`),
		runtimes: []string{"runc-debian"},
	},
	{
		reason:   "crun 1.8 starts no session: a hook is found, and killed, by its own",
		keys:     []string{"leads session", "leads group"},
		runtimes: []string{"crun-debian"},
	},
	{
		reason:   "crun has an exec keep its caller's session keyring; a hook joins the container's",
		keys:     []string{"keyring session"},
		runtimes: []string{"crun", "crun-debian"},
	},
	{
		reason:   "crun has an exec keep its caller's oom_score_adj; a shim's would spare the hook and kill the container",
		keys:     []string{"/proc/self/oom_score_adj", "/proc/self/oom_adj"},
		configs:  regexp.MustCompile(`^oom score$`),
		runtimes: []string{"crun", "crun-debian"},
	},
	{
		reason:   "crun 1.8 sets no HOME for a user that has no name",
		keys:     []string{"env.2"},
		configs:  regexp.MustCompile(`^user without name$`),
		runtimes: []string{"crun-debian"},
		holds:    func(d difference) bool { return d.hook == "HOME=/" && d.exec == absent },
	},
	{
		reason:   "crun gives the pipes of its caller to the user's group; runc and a hook leave them theirs",
		keys:     []string{"fd 1", "fd 2"},
		runtimes: []string{"crun", "crun-debian"},
		holds: func(d difference) bool {
			return pipeGroup.ReplaceAllString(d.hook, "") == pipeGroup.ReplaceAllString(d.exec, "")
		},
	},
	{
		reason: "crun leaves the pipes of its caller, which in a user namespace are nobody's; a hook's are its own",
		keys: []string{
			"fd 1", "open /dev/stdout", "open /proc/self/fd/1", "fd 2", "open /dev/stderr", "open /proc/self/fd/2",
		},
		configs:  regexp.MustCompile(`^user namespace`),
		runtimes: []string{"crun", "crun-debian"},
		holds: func(d difference) bool {
			return d.hook == "ok" || strings.Contains(d.exec, "owner 65534:65534")
		},
	},
}

// pipeGroup is what follows a pipe's owner.
var pipeGroup = regexp.MustCompile(`:\d+ device .*`)

// meant is the reason of a difference that is meant, else empty.
func meant(c *container, config configuration, d difference) string {
	for _, m := range meanings {
		if slices.Contains(m.keys, d.key) &&
			(m.configs == nil || m.configs.MatchString(config.name)) &&
			(m.runtimes == nil || slices.Contains(m.runtimes, c.name)) &&
			(m.holds == nil || m.holds(d)) {
			return m.reason
		}
	}
	return ""
}
