package command

import (
	"strings"
	"testing"
)

// What a hook's author wrote is in details, which are printed on terminals.
func TestJSONHasNothingThatATerminalActsOn(t *testing.T) {
	for _, print := range []func(*strings.Builder) error{
		func(b *strings.Builder) error { return JSON(b, []string{"\x1b[2J\u009b2J<\u202e>"}) },
		func(b *strings.Builder) error { return JSONLine(b, []string{"\x1b[2J\u009b2J<\u202e>"}) },
	} {
		var b strings.Builder
		if err := print(&b); err != nil || !strings.Contains(b.String(), `"\u001b[2J\u009b2J<\u202e>"`) {
			t.Errorf("got %q, %v", b.String(), err)
		}
	}
}
