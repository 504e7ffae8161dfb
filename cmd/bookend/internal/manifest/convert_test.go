package manifest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func bookendClass() RewriteOptions { return RewriteOptions{RuntimeClass: "bookend"} }

// render prints findings as people see them.
func render(findings []Finding) []byte {
	var b bytes.Buffer
	for _, f := range findings {
		fmt.Fprintln(&b, f)
	}
	return b.Bytes()
}

// TestConvertAndReverse converts real manifests, with the line ends of Unix and
// Windows, with and without a last one, and takes them back.
func TestConvertAndReverse(t *testing.T) {
	for _, name := range files(t, "convert", ".yaml") {
		unix := read(t, "convert", name)
		for variant, in := range map[string][]byte{
			"as it is":                unix,
			"with carriage returns":   bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")),
			"without the last line's": bytes.TrimSuffix(unix, []byte("\n")),
			"with a byte order mark":  append([]byte(byteOrderMark), unix...),
		} {
			t.Run(name+" "+variant, func(t *testing.T) {
				out, findings := Convert(name, in, bookendClass())
				if findings != nil {
					t.Fatalf("refused:\n%s", render(findings))
				}
				if variant == "as it is" {
					golden(t, "convert/"+name+".golden", out)
				}
				if report := validate(name, out, Options{}, true); len(report.Findings) > 0 {
					t.Errorf("the result has findings:\n%s", report.text())
				}
				if bytes.Contains(in, []byte("\r")) && bytes.Count(out, []byte("\n")) != bytes.Count(out, []byte("\r\n")) {
					t.Errorf("line ends are mixed:\n%q", out)
				}
				back, findings := Reverse(name, out, bookendClass())
				if findings != nil || !bytes.Equal(back, in) {
					t.Errorf("reversed:\n%s\nwant:\n%s\n%s", back, in, render(findings))
				}
				if again, _ := Convert(name, out, bookendClass()); !bytes.Equal(again, out) {
					t.Errorf("converted twice:\n%s", again)
				}
			})
		}
	}
}

func TestRewritingIsRefused(t *testing.T) {
	for _, name := range files(t, "refused", ".yaml", ".json") {
		rewrite := Convert
		if strings.Contains(name, ".reverse.") {
			rewrite = Reverse
		}
		out, findings := rewrite(name, read(t, "refused", name), bookendClass())
		if out != nil || len(findings) == 0 {
			t.Errorf("%s: got\n%s", name, out)
		}
		golden(t, "refused/"+name+".golden", render(findings))
	}
}

func TestReverseOfWhatWasNotConverted(t *testing.T) {
	for _, name := range files(t, "reverse", ".yaml") {
		out, findings := Reverse(name, read(t, "reverse", name), bookendClass())
		if findings != nil {
			t.Errorf("%s: refused:\n%s", name, render(findings))
		}
		golden(t, "reverse/"+name+".golden", out)
	}
}

// TestConvertRestyles has manifests that come back with the same meaning but
// other blanks: comments and empty mappings in unusual places.
func TestConvertRestyles(t *testing.T) {
	for _, name := range files(t, "restyled", ".yaml") {
		out, findings := Convert(name, read(t, "restyled", name), bookendClass())
		if findings != nil {
			t.Errorf("%s: refused:\n%s", name, render(findings))
		}
		golden(t, "restyled/"+name+".golden", out)
		back, findings := Reverse(name, out, bookendClass())
		if findings != nil {
			t.Errorf("%s: refused on the way back:\n%s", name, render(findings))
		}
		golden(t, "restyled/"+name+".back.golden", back)
	}
}
