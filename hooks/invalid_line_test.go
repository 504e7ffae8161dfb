package hooks

import (
	"errors"
	"testing"
)

// TestErrorsKnowTheirLine holds the line of an error to the one on which its
// author would look for the mistake: of a field, that of its name.
func TestErrorsKnowTheirLine(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
	}{
		{"a scalar", "# why\npreStop:\n  sleep:\n    seconds: -3\n", 4},
		{"an unknown field with a mapping", "preStop:\n  sleep: {}\nprestart:\n  sleep: {}\n", 3},
		{"no handler", "postStart: {sleep: {}}\n\npreStop:\n  retries: 3\n", 3},
		{"what is required", "preStop:\n  exec:\n    workingDir: /\n", 2},
		{"an item of a list", "preStop:\n  exec:\n    command:\n    - sleep\n    - 5\n", 5},
		{"a duplicate key", "preStop: null\npostStart: null\npreStop: null\n", 3},
		{"an anchor", "preStop:\n  sleep: &a\n    seconds: 1\n", 2},
		{"a syntax error", "preStop:\n  sleep: {}\n\tretries: 1\n", 3},
		{"the document", "\n\n[]", 3},
		{"JSON, a scalar", "{\n\n  \"preStop\": {\n    \"sleep\": {\"seconds\":\n -3}}}", 4},
		{"JSON, an item of a list", "{\"preStop\": {\"exec\": {\"command\": [\"sleep\",\n\n5]}}}", 3},
		{"JSON, a duplicate key", "{\"preStop\": null,\n\"preStop\":\nnull}", 2},
		{"JSON, the document", "\n\n[\n]", 3},
		{"no document", "", 0},
	} {
		_, err := Resolve(map[string]string{AnnotationKey: tt.text}, noConfig)
		var invalid *InvalidError
		if !errors.As(err, &invalid) {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if invalid.ValueLine != tt.line {
			t.Errorf("%s: line %d, want %d: %v", tt.name, invalid.ValueLine, tt.line, err)
		}
	}
}
