// Package outcome is what programs of tests tell one another of their results:
// integration/critest and integration/demo write it, integration/testmatrix reads it.
package outcome

import (
	"encoding/json"
	"fmt"
	"os"
)

// State is how a test ended.
type State string

// The states.
const (
	Passed  State = "passed"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Outcome is the result of one test.
type Outcome struct {
	Test  string `json:"test"`
	State State  `json:"state"`
	// Reason says why it failed or was skipped, or what one that passed has to tell; lines
	// after the first are details.
	Reason string `json:"reason,omitempty"`
}

// Write writes outcomes as JSON.
func Write(path string, outcomes []Outcome) error {
	text, err := json.MarshalIndent(outcomes, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Read reads what [Write] wrote. A state that is none is an error.
func Read(path string) ([]Outcome, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	if err := json.Unmarshal(text, &outcomes); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, o := range outcomes {
		if o.State != Passed && o.State != Failed && o.State != Skipped {
			return nil, fmt.Errorf("%s: %s has the state %q", path, o.Test, o.State)
		}
	}
	return outcomes, nil
}
