package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// newestRuntime is what the others are compared with: the release that
// bookend-exec's own library is of.
const newestRuntime = "runc 1.5"

// runtimes compares exec hooks in containers of several runtimes.
func runtimes(ctx context.Context, s *site, p plan) (_ *outcome, err error) {
	x, err := s.newHookRunner()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	o := &outcome{About: "an exec hook, " + hookCommand + ", in containers of several runtimes", Base: newestRuntime, Notes: []string{
		"Each container was made from the same bundle by the runtime itself. A hook is one call of the executor that the shim has; " +
			"CPU time is that of this benchmark, which stands for the shim, and of all that it starts.",
	}}
	found, notes := s.findRuntimes()
	o.Notes = append(o.Notes, notes...)
	var steps []step
	var made []*bundled
	var entered []*containerHook
	for _, r := range found {
		c, err := s.newBundled(ctx, r.program, s.confine)
		if err != nil {
			return nil, fmt.Errorf("a container of %s: %w", r.name, err)
		}
		hook, err := x.hookIn(c)
		if err != nil {
			return nil, fmt.Errorf("a hook in a container of %s: %w", r.name, err)
		}
		made, entered, steps = append(made, c), append(entered, hook), append(steps, hookStep(r.name, hook.run))
	}
	taken, err := interleave(ctx, p, steps...)
	if err != nil {
		return nil, err
	}
	for i, r := range found {
		o.Notes = append(o.Notes, fmt.Sprintf("%s (%s) is entered by: %s.", r.name, r.version, entered[i].way()))
		if err := made[i].remove(ctx); err != nil {
			return nil, err
		}
	}
	o.cases(taken, "ms")
	for _, r := range found {
		if r.name != newestRuntime {
			name := strings.ReplaceAll(r.name, " ", "_")
			o.figure(name+"_over_runc_1.5", atMost(1.1, 1), taken, ratio(r.name, newestRuntime))
			o.figure(name+"_cpu_over_runc_1.5", atMost(1.1, 1), taken, ratio(cpuOf(r.name), cpuOf(newestRuntime)))
		}
	}
	return o, nil
}

// cpuOf is the case of a runtime's CPU time.
func cpuOf(name string) string { return name + ", CPU time" }

// hookStep measures how long a hook takes, and the CPU time of this process and
// of all that it has waited for.
func hookStep(name string, run func(context.Context) error) step {
	return func(ctx context.Context, record func(string, float64)) error {
		before, err := cpuTime()
		if err != nil {
			return err
		}
		took, err := timed(func() error { return run(ctx) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		after, err := cpuTime()
		record(name, took)
		record(cpuOf(name), after-before)
		return err
	}
}

// cpuTime is that of this process and of its children that have ended, in
// milliseconds.
func cpuTime() (float64, error) {
	sum := int64(0)
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var usage unix.Rusage
		if err := unix.Getrusage(who, &usage); err != nil {
			return 0, fmt.Errorf("getrusage: %w", err)
		}
		sum += usage.Utime.Nano() + usage.Stime.Nano()
	}
	return float64(sum) / 1e6, nil
}

// ociRuntime is a runtime of this machine, or one that was built for tests.
type ociRuntime struct {
	name    string // "runc 1.4", or "crun"
	program string
	version string // as it says
}

// findRuntimes returns what there is, the newest runc first, and notes of what
// is left out.
func (s *site) findRuntimes() (found []ociRuntime, notes []string) {
	tools := s.Binaries().Tools
	for _, program := range []string{filepath.Join(tools, "runc"), "/usr/sbin/runc", filepath.Join(tools, "runc-1.3"), filepath.Join(tools, "runc-1.4"), "crun"} {
		path, err := exec.LookPath(program)
		if err != nil {
			notes = append(notes, filepath.Base(program)+" is left out: it is not here.")
			continue
		}
		out, err := exec.Command(path, "--version").Output()
		version, _, _ := strings.Cut(string(out), "\n")
		name := runtimeName(version)
		switch {
		case err != nil || name == "":
			notes = append(notes, path+" is left out: it does not say what it is.")
		case slices.ContainsFunc(found, func(r ociRuntime) bool { return r.name == name }):
			notes = append(notes, fmt.Sprintf("%s is left out: it is another %s.", path, name))
		default:
			found = append(found, ociRuntime{name, path, version})
		}
	}
	return found, notes
}

// runtimeName makes "runc 1.1" of "runc version 1.1.5+ds1", and "crun" of any
// version of it; "" of what is neither.
func runtimeName(version string) string {
	if strings.HasPrefix(version, "crun version ") {
		return "crun"
	}
	number, ok := strings.CutPrefix(version, "runc version ")
	parts := strings.SplitN(number, ".", 3)
	if !ok || len(parts) < 3 {
		return ""
	}
	return "runc " + parts[0] + "." + parts[1]
}
