package main

import (
	"context"
	"slices"
)

// runner runs tests with handler, the whole suite where tests is nil.
type runner func(ctx context.Context, handler string, tests []string) (results, error)

// run is one run of the suite, or of some of its tests.
type run struct {
	Handler string
	results
}

const (
	// repeats is how often tests that only ours fails are run again, with both handlers.
	repeats = 2
	// worseRounds is how many rounds must be worse with ours, the first one included: one may be chance.
	worseRounds = 2
	// mostByChance is how many tests may fail by chance at once. More are judged by their first round: a
	// shim that breaks so many in one run may pass each of them alone.
	mostByChance = 5
)

// verdict sorts the tests that ours doesn't pass: each is in one of its lists, by name.
type verdict struct {
	Runs []run // in their order; ours of the whole suite is the first

	OnlyOurs []string // worse with ours than with stock, round after round
	Flaky    []string // worse with ours, but not steadily
	Both     []string // no worse with ours than with stock
}

// judge runs the suite with ours, and the tests that ours doesn't pass with stock. What stock does
// better is repeated with both, since a test may fail by chance.
func judge(ctx context.Context, run runner, stock, ours string) (verdict, error) {
	j := judgement{run: run, stock: stock, ours: ours}
	if err := j.round(ctx, nil); err != nil {
		return j.verdict, err
	}
	doubtful := j.first().notPassed()
	suspects := j.worse(0, doubtful)
	if n := len(suspects); n > 0 && n <= mostByChance {
		for range repeats {
			if err := j.round(ctx, suspects); err != nil {
				return j.verdict, err
			}
		}
	}
	for _, test := range doubtful {
		switch {
		case !slices.Contains(suspects, test):
			j.Both = append(j.Both, test)
		case len(suspects) > mostByChance, j.steadilyWorse(test):
			j.OnlyOurs = append(j.OnlyOurs, test)
		default:
			j.Flaky = append(j.Flaky, test)
		}
	}
	return j.verdict, nil
}

// judgement is a verdict in the making.
type judgement struct {
	verdict
	run         runner
	stock, ours string
	rounds      []round
}

// round has the results of the same tests with both handlers.
type round struct{ ours, stock results }

// round runs tests with ours, all where tests is nil, and those with stock that ours doesn't pass; in
// later rounds it runs all of them with both.
func (j *judgement) round(ctx context.Context, tests []string) (err error) {
	var r round
	if r.ours, err = j.add(ctx, j.ours, tests); err != nil {
		return err
	}
	if tests == nil {
		tests = r.ours.notPassed()
	}
	if len(tests) > 0 {
		if r.stock, err = j.add(ctx, j.stock, tests); err != nil {
			return err
		}
	}
	j.rounds = append(j.rounds, r)
	return nil
}

func (j *judgement) add(ctx context.Context, handler string, tests []string) (results, error) {
	r, err := j.run(ctx, handler, tests)
	if err == nil {
		j.Runs = append(j.Runs, run{Handler: handler, results: r})
	}
	return r, err
}

func (j *judgement) first() results { return j.rounds[0].ours }

// worse lists those of tests that round i has worse with ours than with stock.
func (j *judgement) worse(i int, tests []string) (found []string) {
	r := j.rounds[i]
	for _, test := range tests {
		if r.ours.Outcomes[test].rank() < r.stock.Outcomes[test].rank() {
			found = append(found, test)
		}
	}
	return found
}

// steadilyWorse tells whether enough rounds are worse with ours, while stock never changes.
func (j *judgement) steadilyWorse(test string) bool {
	worse := 0
	for i, r := range j.rounds {
		if r.stock.Outcomes[test].rank() != j.rounds[0].stock.Outcomes[test].rank() {
			return false
		}
		worse += len(j.worse(i, []string{test}))
	}
	return worse >= worseRounds
}
