package terminal

import (
	"encoding/json"
	"testing"
)

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

func TestEscapedJSONMeansTheSame(t *testing.T) {
	const text = "a\tb\n\u009b31m\x7f \u202e \ufeff tag \U000e0041 \u00fcml\u00e4ut <\u2028>"
	doc, err := json.MarshalIndent(map[string]string{"detail": text}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := string(EscapeJSON(doc))
	want := "{\n  \"detail\": \"a\\tb\\n\\u009b31m\\u007f \\u202e \\ufeff tag \\udb40\\udc41 \u00fcml\u00e4ut \\u003c\\u2028\\u003e\"\n}"
	var back map[string]string
	if err := json.Unmarshal([]byte(got), &back); err != nil || got != want || back["detail"] != text {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}
