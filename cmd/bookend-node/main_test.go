package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestVersionIsPrinted(t *testing.T) {
	var out, errs bytes.Buffer
	if code := execute(t.Context(), []string{"version"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if !strings.HasPrefix(out.String(), "bookend-node "+version+" (go") {
		t.Errorf("printed %q", &out)
	}
}

func TestUnknownCommandFails(t *testing.T) {
	var out, errs bytes.Buffer
	if code := execute(t.Context(), []string{"agnet"}, &out, &errs); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errs.String(), "agnet") {
		t.Errorf("did not name the command: %q", &errs)
	}
}
