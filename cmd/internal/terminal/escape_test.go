package terminal

import "testing"

func TestEscapeLeavesNothingThatATerminalActsOn(t *testing.T) {
	for in, want := range map[string]string{
		"plain text, \u00fcml\u00e4ut, \u65e5\u672c, \u00a0": "plain text, \u00fcml\u00e4ut, \u65e5\u672c, \u00a0",
		"\x1b[31mred\x1b[0m":     `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":         `\x1b]0;title\x07`,
		"\u009b31m":              `\u009b31m`,
		"\x9b31m":                `\x9b31m`,
		"over\rwritten\b\x7f":    `over\x0dwritten\x08\x7f`,
		"txt.\u202eexe\u2066":    `txt.\u202eexe\u2066`,
		"\u200b\ufeff":           `\u200b\ufeff`,
		"tag \U000e0041":         `tag \U000e0041`,
		"a\tb\nc":                `a\x09b\x0ac`,
		"half \xe6\x97 a letter": `half \xe6\x97 a letter`,
		"\ufffd is one":          "\ufffd is one",
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got, want := EscapeText("a\tb\r\nc\x00\n"), "a\tb\\x0d\nc\\x00\n"; got != want {
		t.Errorf("text: got %q, want %q", got, want)
	}
}
