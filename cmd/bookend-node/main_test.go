package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
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

func TestTheWebhookIsTheProgramBeside(t *testing.T) {
	dir := t.TempDir()
	node := buildNode(t, dir)
	run := func() string {
		out, _ := exec.CommandContext(t.Context(), node, "webhook", "--listen", ":9443").CombinedOutput()
		return string(out)
	}
	program := filepath.Join(dir, webhookProgram)
	if out := run(); out != "bookend-node: "+program+": no such file or directory\n" {
		t.Errorf("without it: %s", out)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out := run(); out != "--listen :9443\n" {
		t.Errorf("it was given %s", out)
	}
}
