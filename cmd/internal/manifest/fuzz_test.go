package manifest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// seeds gives a fuzz test all files of testdata.
func seeds(f *testing.F) {
	for _, dir := range []string{"validate", "convert", "refused", "restyled", "merged", "reverse"} {
		for _, name := range files(f, dir, ".yaml") {
			f.Add(read(f, dir, name))
		}
	}
	for _, name := range files(f, "validate", ".json") {
		f.Add(read(f, "validate", name))
	}
	for _, name := range files(f, "convert", ".golden") {
		f.Add(read(f, "convert", name))
	}
}

// FuzzValidate holds every finding to what people and programs can use: a line
// that the file has, and text that stays on one line.
func FuzzValidate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var parts strings.Builder
		for _, d := range split(string(data)) {
			parts.WriteString(d.text)
		}
		if parts.String() != string(data) {
			t.Fatalf("the documents are not the file: %q", parts.String())
		}
		report := Validate("f", data, Options{})
		checkFindings(t, data, report.Findings)
	})
}

// FuzzConvert holds that what is converted is fit for the shim, that converting
// it again changes nothing, and that the way back leads to the same objects.
// That lines come back as they were is the matter of TestConvertAndReverse.
func FuzzConvert(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		out, findings := Convert("f", data, bookendClass())
		checkRewritten(t, data, out, findings)
		if (out == nil) != hasErrors(findings) && len(data) > 0 {
			t.Fatalf("%d findings and %q", len(findings), out)
		}
		if out == nil {
			return
		}
		if report := validate("f", out, Options{}, true); report.Count(Error) > 0 {
			t.Fatalf("the result is refused:\n%s\n%s", render(report.Findings), out)
		}
		if again, findings := Convert("f", out, bookendClass()); !bytes.Equal(again, out) {
			t.Fatalf("converted again: %s\n%s", again, render(findings))
		}
		back, findings := Reverse("f", out, bookendClass())
		checkRewritten(t, out, back, findings)
		if bytes.Contains(data, []byte("bookend")) {
			return // it was converted in part, and comes back as a whole
		}
		if back == nil && !isExtended(out) {
			t.Fatalf("converted, and refused on the way back:\n%s\n%s", render(findings), out)
		}
		if back != nil && !sameObjects(string(data), string(back)) {
			t.Fatalf("came back as\n%s\nconverted:\n%s", back, out)
		}
	})
}

func hasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// isExtended tells whether a converted manifest has fields of bookend's own,
// which were there before: the API server would have refused them.
func isExtended(manifest []byte) bool {
	for _, field := range []string{"timeoutSeconds", "failurePolicy", "retries", "output", "user", "env", "workingDir", "expectStatus", "stopSignals", "terminationGracePeriodSeconds"} {
		if bytes.Contains(manifest, []byte(field)) {
			return true
		}
	}
	return false
}

// sameObjects tells whether two files hold the same objects, but for empty
// mappings and an empty runtime class, which Kubernetes does not tell from
// absent ones.
func sameObjects(a, b string) bool {
	x, y := split(a), split(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].text == y[i].text {
			continue
		}
		_, errA := x[i].parse()
		_, errB := y[i].parse()
		if (errA == nil) != (errB == nil) || len(x[i].roots) != len(y[i].roots) {
			return false
		}
		for j := range x[i].roots {
			prune(x[i].roots[j])
			prune(y[i].roots[j])
			if !equal(x[i].roots[j], y[i].roots[j]) {
				return false
			}
		}
	}
	return true
}

// prune removes fields that are null or empty mappings, and an empty runtime
// class.
func prune(n *yaml.Node) {
	for _, c := range n.Content {
		prune(c)
	}
	for _, e := range entries(n) {
		noClass := e.key.Value == "runtimeClassName" && e.value.Kind == yaml.ScalarNode && e.value.Value == ""
		if n.Kind == yaml.MappingNode && (noClass || present(e.value) == nil || isMapping(e.value) && len(e.value.Content) == 0) {
			remove(n, e.key)
		}
	}
}

// FuzzReverse holds that the way back ends: what came back has nothing more to
// take back, is fit for the shim, and converts.
func FuzzReverse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		back, findings := Reverse("f", data, bookendClass())
		checkRewritten(t, data, back, findings)
		if (back == nil) != hasErrors(findings) && len(data) > 0 {
			t.Fatalf("%d findings and %q", len(findings), back)
		}
		if back == nil {
			return
		}
		if report := validate("f", back, Options{}, true); report.Count(Error) > 0 {
			t.Fatalf("the result is refused:\n%s\n%s", render(report.Findings), back)
		}
		if again, _ := Reverse("f", back, bookendClass()); !bytes.Equal(again, back) {
			t.Fatalf("reversed again:\n%s\n%s", again, back)
		}
	})
}

// checkRewritten checks findings of which the warnings are about the result.
func checkRewritten(t *testing.T, data, result []byte, findings []Finding) {
	t.Helper()
	for _, f := range findings {
		if f.Severity == Warning {
			checkFindings(t, result, []Finding{f})
		} else {
			checkFindings(t, data, []Finding{f})
		}
	}
}

func checkFindings(t *testing.T, data []byte, findings []Finding) {
	t.Helper()
	lines := max(1, bytes.Count(data, []byte("\n")))
	if n := len(data); n > 0 && data[n-1] != '\n' {
		lines = bytes.Count(data, []byte("\n")) + 1
	}
	for _, f := range findings {
		if f.Line < 1 || f.Line > lines {
			t.Fatalf("line %d of %d: %s", f.Line, lines, f)
		}
		if strings.ContainsAny(f.String(), "\n\r\x1b") || f.Message == "" {
			t.Fatalf("not fit to print: %q", f.String())
		}
	}
}
