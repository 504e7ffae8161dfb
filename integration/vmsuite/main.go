package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vmsuite:", err)
		os.Exit(1)
	}
}

// settings is what a run is asked for.
type settings struct {
	root    string // the repository
	disks   string // where disks/ has put its own
	init    string // initSystemd or initSmall
	kernel  string // a suite of Debian
	run     string // a pattern of tests; empty: the suite's own
	skip    string
	slow    float64 // 0: the guest measures it
	part    bool    // the short part alone
	verbose bool
	timeout time.Duration
}

// What process 1 of the guest is.
const (
	initSystemd = "systemd"
	initSmall   = "small"
)

func command(args []string) error {
	var s settings
	flags := flag.NewFlagSet("vmsuite", flag.ExitOnError)
	flags.StringVar(&s.disks, "disks", "", "take the disks made in this `directory`; default: .cache/vmsuite")
	flags.StringVar(&s.init, "init", initSystemd, "boot `systemd`, or \"small\", an init that leaves cgroups to the runtime")
	flags.StringVar(&s.kernel, "kernel", "trixie", "boot the kernel of this `suite` of Debian")
	flags.StringVar(&s.run, "run", "", "run the tests of this `pattern` alone")
	flags.StringVar(&s.skip, "skip", "", "leave out the tests of this `pattern` as well")
	flags.Float64Var(&s.slow, "slow", 0, "let tests wait this `factor` longer; 0: as many times as the guest is slower")
	flags.BoolVar(&s.part, "part", false, "run the short part of the suite")
	flags.BoolVar(&s.verbose, "v", false, "print what tests print")
	flags.DurationVar(&s.timeout, "timeout", 75*time.Minute, "end the guest after this `time`")
	_ = flags.Parse(args) // exits on an error
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if !slices.Contains([]string{initSystemd, initSmall}, s.init) {
		return fmt.Errorf("init %q: expected %s or %s", s.init, initSystemd, initSmall)
	}
	var err error
	if s.root, err = os.Getwd(); err != nil {
		return err
	}
	if s.disks == "" {
		s.disks = filepath.Join(s.root, ".cache", "vmsuite")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return suite(ctx, s)
}

// maxGuests is how many guests a plan may take: an emulated one falls silent now and
// then, or its kernel panics at a patch of its own code. What has run does not run
// again, and what kills each guest in which it runs is a failure.
const maxGuests = 3

// suite runs the plan in a guest, and prints what its tests said.
func suite(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "vmsuite-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := os.RemoveAll(s.consolePath()); err != nil {
		return err
	}
	p := planFor(s)
	r, err := newReport(s, os.Stdout)
	if err != nil {
		return err
	}
	begun := time.Now()
	for rest, guests := p, 1; ; guests++ {
		err = boot(ctx, s, rest, r, dir)
		cut := r.cut(err)
		if cut == nil || guests == maxGuests {
			break
		}
		fmt.Println(cut, "- another one runs the rest of the plan")
		rest = p.without(r.ended())
	}
	err = errors.Join(err, r.close())
	fmt.Print(r.summary(p, time.Since(begun)))
	if err = cmp.Or(err, r.verdict(p)); err != nil {
		return fmt.Errorf("%w\nthe guest's console is in %s", err, s.consolePath())
	}
	return nil
}

// boot runs a plan in one guest, whose disks are made below dir.
func boot(ctx context.Context, s settings, p plan, r *report, dir string) error {
	dir, err := os.MkdirTemp(dir, "guest-")
	if err != nil {
		return err
	}
	g := guest{settings: s, dir: dir}
	if g.payload, err = payload(ctx, s, p, dir); err != nil {
		return err
	}
	if g.initramfs, err = writeInitramfs(s, dir); err != nil {
		return err
	}
	if err := g.boot(ctx, r); err != nil {
		return err
	}
	return r.end() // of a package that the guest ended in
}

// consolePath is where the guest's first console is kept, and resultsPath its
// results, as go test -json prints them.
func (s settings) consolePath() string { return s.output("console") }
func (s settings) resultsPath() string { return s.output("json") }

func (s settings) output(kind string) string {
	return filepath.Join(s.disks, fmt.Sprintf("%s-%s.%s", s.init, s.kernel, kind))
}
