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
	"syscall"
	"time"

	"bookend.dev/bookend/integration"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := mainErr(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "critest:", err)
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	critest, busybox, stock, ours, focus, skip string
	timeout                                    time.Duration
	seed                                       int64
	args                                       []string
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("critest", flag.ContinueOnError)
	flags.StringVar(&o.critest, "critest", os.Getenv("CRITEST"), "critest's `path`; empty: the one on PATH")
	flags.StringVar(&o.busybox, "busybox", "/bin/busybox", "busybox for the images; if it is unfit, the package's is fetched")
	flags.StringVar(&o.stock, "stock", integration.Runc, "runtime `handler` to compare with")
	flags.StringVar(&o.ours, "ours", integration.Bookend, "runtime `handler` to compare")
	flags.StringVar(&o.focus, "focus", "", "run only tests whose name matches `regexp`")
	flags.StringVar(&o.skip, "skip", "", "leave out tests whose name matches `regexp`")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "limit of one handler's run")
	flags.Int64Var(&o.seed, "seed", time.Now().Unix(), "seed of the tests' order, the same for both")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: critest [flags] [-- flags for critest itself]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.args = flags.Args()
	if o.focus != "" {
		o.args = append(o.args, "-ginkgo.focus", o.focus)
	}
	if o.skip != "" {
		o.args = append(o.args, "-ginkgo.skip", o.skip)
	}
	return o, nil
}

func mainErr(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	critest, err := findCritest(o.critest)
	if err != nil {
		return err
	}
	binaries, err := integration.FindBinaries()
	if err != nil {
		return err
	}
	if _, err := binaries.Shim(); err != nil && o.ours != integration.Runc {
		return err
	}
	cache := filepath.Join(binaries.Root, ".cache", "critest")
	site, err := newSite(ctx, o.busybox, cache)
	if err != nil {
		return err
	}
	defer site.close()
	s := suite{critest: critest, out: cache, timeout: o.timeout, seed: o.seed, args: o.args}
	return judge(ctx, site, s, o.stock, o.ours, out)
}

// findCritest returns the program at path, which may be a name to look up on PATH.
func findCritest(path string) (string, error) {
	if path == "" {
		path = "critest"
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", errNoCritest, err)
	}
	return filepath.Abs(found)
}

// judge runs the suite with both handlers and prints what came out. It fails with errDiffer if that
// isn't the same.
func judge(ctx context.Context, site *site, s suite, stock, ours string, out io.Writer) error {
	var runs [2]run
	for i, handler := range []string{stock, ours} {
		s := s.in([]string{"stock", "ours"}[i])
		fmt.Fprintf(out, "critest with handler %s, seed %d; log: %s\n", handler, s.seed, s.file(handler, "log"))
		err := site.with(ctx, func(socket string) (err error) {
			runs[i].Handler = handler
			runs[i].results, err = s.run(ctx, socket, handler)
			return err
		})
		if err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	if err := printCounts(out, runs[:]...); err != nil {
		return err
	}
	fmt.Fprintln(out)
	printFailures(out, runs[0])
	found := compare(runs[0].results, runs[1].results)
	printDifferences(out, stock, ours, found)
	if len(found) > 0 {
		return fmt.Errorf("%w: %d", errDiffer, len(found))
	}
	fmt.Fprintln(out, "no test differs")
	return nil
}
