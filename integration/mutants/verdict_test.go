package main

import (
	"errors"
	"reflect"
	"testing"
)

func TestJudge(t *testing.T) {
	failed := errors.New("exit status 1")
	for name, tt := range map[string]struct {
		output string
		err    error
		want   verdict
	}{
		"all pass": {"=== RUN   TestA\n    a_test.go:1: a note\n--- PASS: TestA (0.01s)\n--- PASS: TestB (0.01s)\nPASS\n", nil,
			verdict{passed: []string{"TestA", "TestB"}}},
		"one fails": {"    a_test.go:1: a note\n--- PASS: TestA (0.01s)\n    b_test.go:2: got 1\n    b_test.go:3: got 2\n--- FAIL: TestB (0.01s)\n    --- FAIL: TestB/sub (0.01s)\nFAIL\n", failed,
			verdict{passed: []string{"TestA"}, failed: "TestB", said: "b_test.go:2: got 1"}},
		"skipped":           {"--- SKIP: TestA (0.00s)\nPASS\n", nil, verdict{}},
		"a panic":           {"--- FAIL: TestA (0.00s)\npanic: nil map\n", failed, verdict{failed: "TestA", broken: "panic: nil map"}},
		"too long":          {"=== RUN   TestA\npanic: test timed out after 6m0s\n", failed, verdict{broken: "panic: test timed out after 6m0s"}},
		"no daemon":         {"    a_test.go:3: start the shared daemon: no\n--- FAIL: TestA (0.00s)\n", failed, verdict{failed: "TestA", said: "a_test.go:3: start the shared daemon: no", broken: "start the shared daemon: no"}},
		"ended by a signal": {"=== RUN   TestA\n", failed, verdict{broken: "exit status 1: === RUN   TestA"}},
	} {
		got := judge(tt.output, tt.err)
		if got.broken != "" && tt.want.broken != "" {
			if want := tt.want.broken; len(got.broken) < len(want) || got.broken[len(got.broken)-len(want):] != want {
				t.Errorf("%s: broken %q, want %q", name, got.broken, want)
			}
			got.broken, tt.want.broken = "", ""
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestOnlyANamedTestKills(t *testing.T) {
	for name, tt := range map[string]struct {
		trial trial
		want  string
	}{
		"named":     {trial{mutant: mutant{tests: []string{"TestA"}}, verdict: verdict{failed: "TestA"}}, "TestA"},
		"another":   {trial{mutant: mutant{tests: []string{"TestA"}}, verdict: verdict{failed: "TestB"}}, ""},
		"none":      {trial{mutant: mutant{tests: []string{"TestA"}}}, ""},
		"not tried": {trial{mutant: mutant{tests: []string{"TestA"}}, verdict: verdict{failed: "TestA"}, err: errUsage}, ""},
	} {
		if got := tt.trial.killedBy(); got != tt.want {
			t.Errorf("%s: killed by %q, want %q", name, got, tt.want)
		}
	}
}
