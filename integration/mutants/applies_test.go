package main

import (
	"path/filepath"
	"testing"
)

// Every edit applies to the sources as they are.
func TestEveryMutantApplies(t *testing.T) {
	for _, list := range []string{"postStart.txt", "preStop.txt"} {
		mutants, err := load(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants {
			if _, err := newTrials(filepath.Join("..", ".."), []mutant{m}); err != nil {
				t.Error(err)
			}
		}
	}
}
