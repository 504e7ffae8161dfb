package manifest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
				if out == nil {
					t.Fatalf("refused:\n%s", render(findings))
				}
				if variant == "as it is" {
					golden(t, "convert/"+name+".golden", out)
					said(t, "convert/"+name, findings)
				}
				if bytes.Contains(in, []byte("\r")) && bytes.Count(out, []byte("\n")) != bytes.Count(out, []byte("\r\n")) {
					t.Errorf("line ends are mixed:\n%q", out)
				}
				back, findings := Reverse(name, out, bookendClass())
				if !bytes.Equal(back, in) {
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
		golden(t, "reverse/"+name+".golden", out)
		said(t, "reverse/"+name, findings)
	}
}

// TestConvertRestyles has manifests that come back with the same meaning but
// other blanks: flow style in the way of the change, which is reprinted, and
// comments in unusual places.
func TestConvertRestyles(t *testing.T) {
	for _, name := range files(t, "restyled", ".yaml") {
		in := read(t, "restyled", name)
		out, findings := Convert(name, in, bookendClass())
		golden(t, "restyled/"+name+".golden", out)
		said(t, "restyled/"+name, findings)
		back, findings := Reverse(name, out, bookendClass())
		if back == nil {
			t.Errorf("%s: refused on the way back:\n%s", name, render(findings))
		}
		golden(t, "restyled/"+name+".back.golden", back)
		if !sameObjects(string(in), string(back)) {
			t.Errorf("%s: came back as other objects:\n%s", name, back)
		}
		for _, comment := range regexp.MustCompile(`# [^"'\n]*`).FindAll(in, -1) {
			if comment = bytes.TrimSpace(comment); !bytes.Contains(out, comment) || !bytes.Contains(back, comment) {
				t.Errorf("%s: lost the comment %q", name, comment)
			}
		}
		if again, _ := Convert(name, out, bookendClass()); !bytes.Equal(again, out) {
			t.Errorf("%s: converted twice:\n%s", name, again)
		}
	}
}

// TestConvertInTwoSteps: the runtime class that the first step wrote was not there
// before the second one, and goes with the way back.
func TestConvertInTwoSteps(t *testing.T) {
	const one = "kind: Pod\nspec:\n  containers:\n  - name: a\n    lifecycle:\n      preStop: {sleep: {seconds: 1}}\n"
	const two = "  - name: b\n    lifecycle:\n      preStop: {sleep: {seconds: 2}}\n"
	for class, back := range map[string]string{"": one + two, "  runtimeClassName: bookend\n": strings.Replace(one, "spec:\n", "spec:\n  runtimeClassName: bookend\n", 1) + two} {
		first, _ := Convert("f", []byte(strings.Replace(one, "spec:\n", "spec:\n"+class, 1)), bookendClass())
		second, findings := Convert("f", append(first, two...), bookendClass())
		if second == nil {
			t.Fatalf("refused:\n%s", render(findings))
		}
		if got, _ := Reverse("f", second, bookendClass()); string(got) != back {
			t.Errorf("class %q: came back as\n%s\nof\n%s", class, got, second)
		}
	}
}

// TestConvertMerges has containers with a lifecycle and an annotation, of which
// each has hooks that the other has not.
func TestConvertMerges(t *testing.T) {
	for _, name := range files(t, "merged", ".yaml") {
		rewrite := Convert
		if strings.Contains(name, ".reverse.") {
			rewrite = Reverse
		}
		out, findings := rewrite(name, read(t, "merged", name), bookendClass())
		golden(t, "merged/"+name+".golden", out)
		said(t, "merged/"+name, findings)
		if again, _ := rewrite(name, out, bookendClass()); !bytes.Equal(again, out) {
			t.Errorf("%s: twice:\n%s", name, again)
		}
	}
}

// said holds what was said beside a result against a golden file, which is not
// there where it is nothing.
func said(t *testing.T, name string, findings []Finding) {
	t.Helper()
	name += ".said.golden"
	if _, err := os.Stat(filepath.Join("testdata", name)); len(findings) > 0 || err == nil {
		golden(t, name, render(findings))
	}
}
