// Command demo runs the Kubernetes documentation's lifecycle example as a real
// pod of a private containerd, beside a container whose postStart fails, prints
// when what happened, and removes everything. It needs root, and finds the
// programs where the Makefile puts them: `make demo`. With -outcomes FILE it
// writes what it observed into a file as well, for integration/testmatrix.
//
// Every line of the timeline was observed, and names its source: a CRI call by
// crictl, an event of containerd's bus, containerd's log, the web
// server's own log, or a request to it. What was expected and not observed
// fails the demo.
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
	"bookend.dev/bookend/integration/testmatrix/outcome"
)

// limits of the demo as a whole, and of its cleaning up, which must happen even
// where the former ran out.
const (
	runTimeout     = 2 * time.Minute
	cleanupTimeout = time.Minute
)

func main() {
	outcomes := flag.String("outcomes", "", "write what was observed into `file`, as JSON")
	flag.Parse()
	if err := run(*outcomes); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(outcomes string) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("containers need root: run `make demo` as root")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	began := time.Now()
	fmt.Println(manifest())
	d, err := harness.Start(ctx, harness.Options{})
	if err != nil {
		return fmt.Errorf("start a private containerd: %w", err)
	}
	defer func() {
		if err != nil && !interrupted(ctx) {
			fmt.Fprintf(os.Stderr, "containerd's and the shims' log ends with:\n%s", d.LogTail(40))
		}
		ctx, cancel := cleaning(ctx)
		defer cancel()
		if err = errors.Join(err, d.Stop(ctx)); err == nil {
			fmt.Printf("\nDone in %.1f s.\n", time.Since(began).Seconds())
		}
	}()
	if _, err := d.Binaries().Shim(); err != nil {
		return err
	}
	fmt.Printf("Private containerd in %s after %.1f s.\n", d.Dir, time.Since(began).Seconds())
	return show(ctx, d, outcomes)
}

// show plays the scene on d and tells of it, to the file outcomes as well where
// that is not empty.
func show(ctx context.Context, d *harness.Daemon, outcomes string) error {
	before, err := d.Inventory()
	if err != nil {
		return err
	}
	s, err := newScene(ctx, d)
	if err != nil {
		return err
	}
	defer s.events.Close()
	fmt.Printf("crictl drives the pod.\n\n")
	played, cleared := s.play(ctx), s.clear(ctx)
	if interrupted(ctx) { // what play says of it is of no use
		return errors.Join(context.Cause(ctx), cleared)
	}
	s.collect()
	fmt.Print(s.timeline.render(s.began))
	fmt.Print("\nTimes of events are those of their publication, a moment after what they tell.\n\n")
	fmt.Print(s.failure)
	s.proof.expect("nothing is left: no process, mount, network namespace, cgroup, socket or file", d.CheckLeaks(ctx, before))
	fmt.Printf("\n%s", &s.proof)
	var written error
	if outcomes != "" {
		written = outcome.Write(outcomes, s.proof.outcomes)
	}
	return errors.Join(played, cleared, written, s.proof.err())
}

// interrupted tells whether the user asked the demo to end; running out of time
// is not that.
func interrupted(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// cleaning returns a context for the removal of what was made under ctx.
func cleaning(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
}
