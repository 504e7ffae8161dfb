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

	"bookend.dev/bookend/integration/harness"
	testoutcome "bookend.dev/bookend/integration/testmatrix/outcome"
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
	suite
	busybox, stock, ours string
	outcomes             string // the file for the outcome of each test; empty: none
}

// racing matches tests whose outcome is a race within containerd, whatever the shim: they skip
// themselves where containerd has not told a plugin that joined late of every container.
const racing = "NRI plugin synchronization should receive (a callback for container created during|information about all containers)"

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("critest", flag.ContinueOnError)
	flags.StringVar(&o.critest, "critest", "", "critest's `path`, of a version that has -nri-socket; empty: the one that make tools builds")
	flags.StringVar(&o.busybox, "busybox", "/bin/busybox", "busybox for the images; if it is unfit, the package's is fetched")
	flags.StringVar(&o.stock, "stock", harness.Runc, "runtime `handler` to compare with")
	flags.StringVar(&o.ours, "ours", harness.Bookend, "runtime `handler` to test")
	flags.StringVar(&o.focus, "focus", "", "run only tests whose name matches `regexp`")
	flags.StringVar(&o.skip, "skip", racing, "leave out tests whose name matches `regexp`")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "limit of one run")
	flags.StringVar(&o.outcomes, "outcomes", "", "write what each test came to into `file`, as JSON")
	flags.Int64Var(&o.seed, "seed", time.Now().Unix(), "seed of the tests' order, the same for all runs")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: critest [flags] [-- flags for critest itself]")
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	o.args = flags.Args()
	return o, err
}

func mainErr(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	binaries, err := harness.FindBinaries()
	if err != nil {
		return err
	}
	if o.critest, err = findCritest(o.critest, binaries); err != nil {
		return err
	}
	if _, err := binaries.Shim(); err != nil && o.ours != harness.Runc {
		return err
	}
	cache := filepath.Join(binaries.Root, ".cache", "critest")
	o.out = filepath.Join(cache, "runs")
	if err := os.RemoveAll(o.out); err != nil {
		return err
	}
	site, err := newSite(ctx, o.busybox, cache)
	if err != nil {
		return err
	}
	defer site.close()
	v, err := judge(ctx, site.runner(o.suite, out), o.stock, o.ours)
	if err != nil {
		return err
	}
	if o.outcomes != "" {
		if err := testoutcome.Write(o.outcomes, v.outcomes()); err != nil {
			return err
		}
	}
	return printVerdict(out, v)
}

// findCritest returns the program at path, else the tools' own.
func findCritest(path string, binaries harness.Binaries) (string, error) {
	if path == "" {
		return binaries.Tool("critest")
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(found)
}

// printVerdict prints the verdict. It fails with errOnlyOurs if that is bad.
func printVerdict(out io.Writer, v verdict) error {
	fmt.Fprintln(out)
	if err := v.print(out); err != nil {
		return err
	}
	if n := len(v.OnlyOurs); n > 0 {
		return fmt.Errorf("%w: %d", errOnlyOurs, n)
	}
	return nil
}
