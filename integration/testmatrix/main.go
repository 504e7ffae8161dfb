package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"bookend.dev/bookend/integration/harness"
	"bookend.dev/bookend/integration/testmatrix/outcome"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "testmatrix:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("testmatrix", flag.ContinueOnError)
	packages := flags.String("packages", "./integration", "run the tests of these `packages`, separated by blanks, as one suite each")
	only := flags.String("suites", "", "run only these `suites`, separated by commas: the last part of a package's name, critest, pod")
	match := flags.String("run", "", "run only tests of packages whose name matches `regexp`")
	page := flags.String("known", "docs/versions.md", "`page` with the table of known failures")
	logs := flags.String("logs", ".cache/testmatrix", "`directory` for the output of suites")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(suites(strings.Fields(*packages), *match), *only)
	if err != nil || flags.NArg() == 0 {
		return errors.Join(errUsage, err)
	}
	known, err := readKnown(*page)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*logs, 0o755); err != nil {
		return err
	}
	var releases []release
	for _, dir := range flags.Args() {
		r, err := findRelease(ctx, dir)
		if err != nil {
			return err
		}
		releases = append(releases, r)
	}
	p := report{known: known, partial: *match != ""}
	for _, r := range releases {
		for _, s := range chosen {
			done, err := r.run(ctx, s, *logs, out)
			if err != nil {
				return err
			}
			p.results = append(p.results, done)
		}
	}
	fmt.Fprintln(out)
	return p.print(out)
}

// choose returns the suites that a list names; all where it is empty.
func choose(all []suite, list string) ([]suite, error) {
	if list == "" {
		return all, nil
	}
	var chosen []suite
	for _, name := range strings.Split(list, ",") {
		i := slices.IndexFunc(all, func(s suite) bool { return s.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("no suite %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// release is a release of containerd that was built.
type release struct {
	name    string // 2.2
	version string // 2.2.9
	tools   string
}

var versionOf = regexp.MustCompile(` v?(\d+\.\d+\.\d+\S*)`)

// findRelease asks the containerd in a directory of tools.
func findRelease(ctx context.Context, dir string) (release, error) {
	tools, err := filepath.Abs(dir)
	if err != nil {
		return release{}, err
	}
	named, err := harness.ReleaseIn(tools)
	if err != nil {
		return release{}, err
	}
	said, err := exec.CommandContext(ctx, filepath.Join(tools, "containerd"), "--version").Output()
	if err != nil {
		return release{}, err
	}
	return release{name: named.String(), version: versionOf.FindStringSubmatch(string(said))[1], tools: tools}, nil
}

// run runs a suite with the release. A suite that cannot be run, or proves nothing, is a
// failure of that suite; an error is the end of all.
func (r release) run(ctx context.Context, s suite, logs string, out io.Writer) (result, error) {
	log := filepath.Join(logs, r.name+"-"+s.name+".log")
	fmt.Fprintf(out, "containerd %s: %s\n", r.version, s.name)
	began := time.Now()
	outcomes, err := s.run(ctx, r.tools, log)
	if ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	if err != nil {
		outcomes = []outcome.Outcome{{Test: wholePackage, State: outcome.Failed, Reason: err.Error()}}
	}
	return result{release: r.name, version: r.version, suite: s.name, outcomes: outcomes, took: time.Since(began), log: log}, nil
}
