package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// trial is a mutant and how it ended.
type trial struct {
	mutant
	source  string // of its file, with the edit
	verdict verdict
	err     error // it could not be tried
	took    time.Duration
}

// newTrials makes every edit, so that a run does not find halfway that one does not
// apply.
func newTrials(root string, mutants []mutant) ([]*trial, error) {
	var trials []*trial
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			return nil, fmt.Errorf("row %q: %w", m.row, err)
		}
		edited, err := m.apply(string(source))
		if err != nil {
			return nil, err
		}
		trials = append(trials, &trial{mutant: m, source: edited})
	}
	return trials, nil
}

// killedBy is the test that killed the mutant; empty: none did.
func (t *trial) killedBy() string {
	if t.err == nil && slices.Contains(t.tests, t.verdict.failed) {
		return t.verdict.failed
	}
	return ""
}

// line is the trial's in the table.
func (t *trial) line() string {
	switch {
	case t.err != nil:
		return fmt.Sprintf("%-84s  FAULT: %v", t.row, t.err)
	case t.killedBy() == "":
		return fmt.Sprintf("%-84s  SURVIVED %s", t.row, strings.Join(t.tests, " "))
	}
	return fmt.Sprintf("%-84s  %5.1f s  %s\n    %s", t.row, t.took.Seconds(), t.killedBy(), t.verdict.said)
}

// tryAll tries mutants, several at a time, and calls tell for each that has
// ended, one after the other.
func (b *builder) tryAll(ctx context.Context, trials []*trial, jobs int, tell func(*trial)) {
	var mu sync.Mutex
	inParallel(jobs, trials, func(t *trial) {
		if t.err = ctx.Err(); t.err != nil {
			return
		}
		began := time.Now()
		t.verdict, t.err = b.try(ctx, t.mutant, t.source)
		t.took = time.Since(began)
		mu.Lock()
		defer mu.Unlock()
		tell(t)
	})
}

// tryUnchanged runs every named test without an edit, and fails unless all pass.
func (b *builder) tryUnchanged(ctx context.Context, trials []*trial, jobs int) error {
	named := map[string][]string{} // by package
	for _, t := range trials {
		for _, test := range t.tests {
			if !slices.Contains(named[t.pkg], test) {
				named[t.pkg] = append(named[t.pkg], test)
			}
		}
	}
	type portion struct {
		pkg   string
		tests []string
		err   error
	}
	var portions []*portion
	for pkg, tests := range named {
		for i := range min(jobs, len(tests)) {
			p := &portion{pkg: pkg}
			for j := i; j < len(tests); j += jobs {
				p.tests = append(p.tests, tests[j])
			}
			portions = append(portions, p)
		}
	}
	inParallel(jobs, portions, func(p *portion) { p.err = b.tryTests(ctx, p.pkg, p.tests) })
	var errs []error
	for _, p := range portions {
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// tryTests runs tests of one package unchanged.
func (b *builder) tryTests(ctx context.Context, pkg string, tests []string) error {
	binary, dir := b.test, "./integration"
	if pkg != "" {
		binary, dir = filepath.Join(b.dir, filepath.Base(pkg)+".test"), pkg
		if out, err := b.command(ctx, "go", "test", "-c", "-trimpath", "-o", binary, pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build the tests of %s: %w: %s", pkg, err, out)
		}
	}
	v, err := b.run(ctx, binary, dir, b.bins.Bin, tests)
	if err != nil {
		return err
	}
	if v.failed != "" {
		return fmt.Errorf("%s fails without any edit: %s", v.failed, v.said)
	}
	if missing := v.missing(tests); len(missing) > 0 {
		return fmt.Errorf("%s: no such test, or skipped", strings.Join(missing, ", "))
	}
	return nil
}

// inParallel calls do for each element, for so many at a time.
func inParallel[T any](jobs int, all []T, do func(T)) {
	queue := make(chan T)
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			for t := range queue {
				do(t)
			}
		})
	}
	for _, t := range all {
		queue <- t
	}
	close(queue)
	wg.Wait()
}
