package shim

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// The picture of the states shows steps that the table has, and every phase.
func TestThePictureOfTheStatesIsTheTable(t *testing.T) {
	picture, err := os.ReadFile("../docs/pictures/states.dot")
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]phase)
	for p, name := range phaseNames {
		named[name] = p
		if !regexp.MustCompile(`(?m)^ +` + name + ` +\[`).Match(picture) {
			t.Errorf("it has no %s", name)
		}
	}
	steps := 0
	for _, m := range regexp.MustCompile(`(?m)^ +(\w+) -> (\w+)( \[dir=both\])?$`).FindAllStringSubmatch(string(picture), -1) {
		from, isPhase := named[m[1]]
		if !isPhase {
			continue // from the frame
		}
		to := named[m[2]]
		steps++
		if !slices.Contains(transitions[from], to) || m[3] != "" && !slices.Contains(transitions[to], from) {
			t.Errorf("the table has no step %s", m[0])
		}
	}
	if steps < 10 {
		t.Errorf("it has only %d steps", steps)
	}
}
