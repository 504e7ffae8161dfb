package main

import "testing"

func TestRuntimeNames(t *testing.T) {
	for version, want := range map[string]string{
		"runc version 1.1.5+ds1":    "runc 1.1",
		"runc version 1.5.2":        "runc 1.5",
		"runc version 1.10.0-rc.1":  "runc 1.10",
		"crun version 1.8.1":        "crun",
		"runsc version release-1.2": "",
		"runc version unknown":      "",
		"":                          "",
	} {
		if got := runtimeName(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}

// A program that is waited for is paid for by whoever waits.
func TestCPUTimeIsThatOfChildrenToo(t *testing.T) {
	before, err := cpuTime()
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"); err != nil {
		t.Fatal(err)
	}
	after, err := cpuTime()
	if err != nil || after <= before+1 {
		t.Errorf("%v ms before, %v after, %v", before, after, err)
	}
}
