package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"bookend.dev/bookend/integration/harness"
)

// jobsPerCPU is how many mutants are tried at a time for each processor: their
// tests wait more than they work.
const jobsPerCPU = 3

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	flags := flag.NewFlagSet("mutants", flag.ExitOnError)
	rows := flags.String("run", "", "break only the rows that match this regular `expression`")
	jobs := flags.Int("jobs", jobsPerCPU*runtime.NumCPU(), "try so many mutants at a time")
	limit := flags.Duration("limit", 25*time.Second, "the longest that a test waits for one thing")
	_ = flags.Parse(args) // exits on an error
	match, err := regexp.Compile(*rows)
	if err != nil || flags.NArg() > 0 || *jobs < 1 {
		return fmt.Errorf("usage: mutants [-run expression] [-jobs number] [-limit duration]: %w", errors.Join(err, errUsage))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bins, err := harness.FindBinaries()
	if err != nil {
		return err
	}
	lists := filepath.Join(bins.Root, "integration", "mutants")
	mutants, err := load(filepath.Join(lists, "postStart.txt"), filepath.Join(lists, "preStop.txt"))
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !match.MatchString(m.row) })
	b, err := newBuilder(ctx, bins, *limit)
	if err != nil {
		return err
	}
	defer b.close()
	trials, err := newTrials(b.root, mutants)
	if err != nil {
		return err
	}
	return b.tryList(ctx, trials, *jobs)
}

// tryList tries mutants and prints the result of each, then the survivors.
func (b *builder) tryList(ctx context.Context, trials []*trial, jobs int) error {
	if len(trials) == 0 {
		return errors.New("no row matches")
	}
	began := time.Now()
	if err := b.tryUnchanged(ctx, trials, jobs); err != nil {
		return err
	}
	fmt.Printf("all named tests pass unchanged: %.0f s\n\n", time.Since(began).Seconds())
	b.tryAll(ctx, trials, jobs, func(t *trial) { fmt.Println(t.line()) })
	fmt.Printf("\n%d mutants, %.0f s\n", len(trials), time.Since(began).Seconds())
	return printSurvivors(trials)
}

// printSurvivors prints the survivors, and the mutants that could not be tried; either
// fails the run.
func printSurvivors(trials []*trial) error {
	left := slices.DeleteFunc(slices.Clone(trials), func(t *trial) bool { return t.killedBy() != "" })
	if len(left) == 0 {
		fmt.Println("survivors: none")
		return nil
	}
	fmt.Println("survivors:")
	for _, t := range left {
		fmt.Println(t.line())
	}
	return fmt.Errorf("%d of %d mutants were not killed", len(left), len(trials))
}
