// Command bench measures bookend against its peers, in one run and in turn, on
// a private containerd: the stock shim, the kubelet's way to run hooks on it
// (StartContainer and then ExecSync, ExecSync and then StopContainer), runc
// exec, crun exec and nsenter; and exec hooks in containers of several runtimes.
// `make bench` runs it, as root, in less than fifteen minutes.
//
// Each benchmark prints a table of medians and ends with a line for each of its
// figures:
//
//	RESULT poststart hook_over_execsync=0.05 goal=0.12 lo=0.03 hi=0.07 reached=true aim=0.05
//
// lo and hi bound the 95 % confidence interval, by the bootstrap over rounds. A
// figure falls short where even the better end does: lo is above what it may be
// at most, or hi below what it must be at least. That fails nothing: only errors
// do. No figure need reach its aim.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// tmpfs is where records are put, as they are on a node: their default place,
// /run, is in memory there, and need not be where benchmarks run.
const tmpfs = "/dev/shm"

// cleanupTimeout is for the daemon's end, which must come about even where the
// run was interrupted.
const cleanupTimeout = 2 * time.Minute

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command's.
type options struct {
	bench, out, from, charts string
	quick                    bool
}

func command(args []string) error {
	var o options
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.StringVar(&o.bench, "bench", "", "run this `benchmark` alone")
	flags.BoolVar(&o.quick, "quick", false, "a short form of each: the figures are rough")
	flags.StringVar(&o.out, "out", ".cache/bench/results.json", "write the results to this `file`")
	flags.StringVar(&o.from, "from", "", "measure nothing: take the results of this `file`")
	flags.StringVar(&o.charts, "charts", "", "write benchmarks.md and its charts, bench-*.svg, into this `directory`")
	_ = flags.Parse(args) // exits on an error
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	r, err := o.results()
	if err != nil {
		return err
	}
	if o.charts != "" {
		return r.draw(o.charts)
	}
	return nil
}

// results measures, or reads what was measured before.
func (o options) results() (*results, error) {
	if o.from != "" {
		return readResults(o.from)
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("containers need root: run `make bench` as root")
	}
	chosen, err := pick(o.bench)
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &results{Began: time.Now().Round(time.Second)}
	err = r.measure(ctx, chosen, o.quick)
	if len(r.Outcomes) > 0 {
		err = errors.Join(err, r.write(o.out))
	}
	return r, err
}

// measure runs the benchmarks on a daemon of their own.
func (r *results) measure(ctx context.Context, chosen []benchmark, quick bool) (err error) {
	records, err := os.MkdirTemp(tmpfs, "bookend-bench-")
	if err != nil {
		return fmt.Errorf("a directory for records: %w", err)
	}
	defer os.RemoveAll(records)
	d, err := harness.Start(ctx, harness.Options{BookendConfig: fmt.Sprintf("[records]\ndirectory = %q\n", records)})
	if err != nil {
		return fmt.Errorf("start a private containerd: %w", err)
	}
	defer func() {
		if ctx.Err() != nil { // what else is told of it is of no use
			err = errors.New("interrupted")
		} else if err != nil {
			fmt.Fprintf(os.Stderr, "containerd's and the shims' log ends with:\n%s", d.LogTail(40))
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		err = errors.Join(err, d.Stop(ctx))
	}()
	if _, err := d.Binaries().Shim(); err != nil {
		return err
	}
	s, err := newSite(d)
	if err != nil {
		return err
	}
	if r.Machine, err = newMachine(s); err != nil {
		return err
	}
	for i, b := range chosen {
		outcomes, err := b.measure(ctx, s, planFirst(chosen[i:], wholeTime-time.Since(r.Began), quick))
		if err != nil {
			return err
		}
		r.Outcomes = append(r.Outcomes, outcomes...)
		for _, o := range outcomes {
			if err := o.print(os.Stdout); err != nil {
				return err
			}
		}
	}
	return r.summary(os.Stdout)
}
