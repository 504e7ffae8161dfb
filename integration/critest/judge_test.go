package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// plot has the states of each test, by handler: in the first run, the second, and so on. A test is
// only run by a handler as often as it has states.
type plot map[string]map[string][]string

// runner plays it and notes in calls what it was asked for.
func (p plot) runner(t *testing.T, calls *[]string) runner {
	t.Helper()
	return func(_ context.Context, handler string, tests []string) (results, error) {
		*calls = append(*calls, strings.TrimSpace(handler+" "+strings.Join(tests, " ")))
		if tests == nil {
			tests = slices.Collect(maps.Keys(p[handler]))
		}
		r := results{Outcomes: map[string]outcome{}}
		for _, test := range tests {
			left := p[handler][test]
			if len(left) == 0 {
				t.Fatalf("%s runs %s once too often", handler, test)
			}
			r.Outcomes[test], p[handler][test] = outcome{State: left[0]}, left[1:]
		}
		return r, nil
	}
}

// alone is a plot of one test, each handler's states being in one string: p passed, s skipped, f failed.
func alone(ours, stock string) plot {
	states := func(letters string) (words []string) {
		for _, letter := range letters {
			words = append(words, map[rune]string{'p': "passed", 's': "skipped", 'f': "failed", 't': "timedout"}[letter])
		}
		return words
	}
	return plot{"ours": {"t": states(ours)}, "stock": {"t": states(stock)}}
}

func TestJudgeOneTest(t *testing.T) {
	for name, c := range map[string]struct{ ours, stock, want string }{
		"passes":                               {"p", "", ""},
		"fails with both":                      {"f", "f", "both"},
		"skipped with both":                    {"s", "s", "both"},
		"skipped, where stock fails":           {"s", "f", "both"},
		"fails with ours":                      {"fff", "ppp", "only ours"},
		"is skipped with ours":                 {"sss", "ppp", "only ours"},
		"times out with ours":                  {"ttt", "ppp", "only ours"},
		"fails where stock skips":              {"fff", "sss", "only ours"},
		"fails twice of three times, first":    {"ffp", "ppp", "only ours"},
		"fails twice of three times, last":     {"fpf", "ppp", "only ours"},
		"fails and is skipped":                 {"fsp", "ppp", "only ours"},
		"fails once":                           {"fpp", "ppp", "flaky"},
		"fails always, and with stock at last": {"fff", "ppf", "flaky"},
		"fails always, and with stock once":    {"fff", "pfp", "flaky"},
	} {
		var calls []string
		p := alone(c.ours, c.stock)
		v, err := judge(t.Context(), p.runner(t, &calls), "stock", "ours")
		if err != nil {
			t.Fatal(err)
		}
		lists := map[string][]string{"both": v.Both, "only ours": v.OnlyOurs, "flaky": v.Flaky}
		for list, tests := range lists {
			if want := c.want == list; slices.Equal(tests, []string{"t"}) != want || len(tests) > 1 {
				t.Errorf("%s: %s has %q, want it in %q", name, list, tests, c.want)
			}
		}
		if len(p["ours"]["t"])+len(p["stock"]["t"]) > 0 {
			t.Errorf("%s: ran %q, too few", name, calls)
		}
		if len(v.Runs) != len(calls) || v.Runs[0].Handler != "ours" {
			t.Errorf("%s: %d runs are told of, of %q", name, len(v.Runs), calls)
		}
	}
}

func TestJudgeRunsAgainWhatIsInDoubt(t *testing.T) {
	var calls []string
	p := plot{
		"ours":  {"good": {"passed"}, "bad": {"failed", "failed", "failed"}, "as bad": {"failed"}, "odd": {"failed", "passed", "passed"}},
		"stock": {"bad": {"passed", "passed", "passed"}, "as bad": {"panicked"}, "odd": {"passed", "passed", "passed"}},
	}
	v, err := judge(t.Context(), p.runner(t, &calls), "stock", "ours")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ours", "stock as bad bad odd", "ours bad odd", "stock bad odd", "ours bad odd", "stock bad odd"}
	if !slices.Equal(calls, want) {
		t.Errorf("ran %q, want %q", calls, want)
	}
	if !slices.Equal(v.OnlyOurs, []string{"bad"}) || !slices.Equal(v.Both, []string{"as bad"}) || !slices.Equal(v.Flaky, []string{"odd"}) {
		t.Errorf("only ours %q, both %q, flaky %q", v.OnlyOurs, v.Both, v.Flaky)
	}
}

// A shim that breaks half of the suite may well pass each of its tests alone.
func TestJudgeTakesManyFailuresForNoChance(t *testing.T) {
	for n, want := range map[int]struct{ onlyOurs, runs int }{
		mostByChance: {0, 2 + 2*repeats}, mostByChance + 1: {mostByChance + 1, 2},
	} {
		p := plot{"ours": {}, "stock": {}}
		for i := range n {
			test := fmt.Sprint(i)
			p["ours"][test], p["stock"][test] = []string{"failed", "passed", "passed"}, []string{"passed", "passed", "passed"}
		}
		var calls []string
		v, err := judge(t.Context(), p.runner(t, &calls), "stock", "ours")
		if err != nil {
			t.Fatal(err)
		}
		if len(v.OnlyOurs) != want.onlyOurs || len(v.OnlyOurs)+len(v.Flaky) != n || len(calls) != want.runs {
			t.Errorf("%d fail once: %d only with ours, %d by chance, in %d runs; want %+v", n, len(v.OnlyOurs), len(v.Flaky), len(calls), want)
		}
	}
}

func TestJudgeOfARunThatBreaks(t *testing.T) {
	broken := errors.New("no containerd")
	for at := 1; at <= 6; at++ {
		calls, p := []string{}, alone("fff", "ppp")
		play := p.runner(t, &calls)
		_, err := judge(t.Context(), func(ctx context.Context, handler string, tests []string) (results, error) {
			if len(calls) == at-1 {
				return results{}, broken
			}
			return play(ctx, handler, tests)
		}, "stock", "ours")
		if !errors.Is(err, broken) {
			t.Errorf("run %d breaks: %v", at, err)
		}
	}
}
