package kube

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machineState is what a cluster changes for the whole machine where it is not
// isolated: settings of the kernel, and rules of iptables.
func machineState() (map[string]string, error) {
	seen := map[string]string{}
	for name := range tunables {
		value, err := os.ReadFile(filepath.Join(stateDir, "proc/sys", name))
		if err != nil {
			return nil, err
		}
		seen[name] = strings.TrimSpace(string(value))
	}
	outside := fmt.Sprintf("--net=/proc/%d/ns/net", os.Getppid()) // whoever started the tests
	rules, err := exec.Command("nsenter", outside, "iptables-save").Output()
	if err != nil {
		return nil, fmt.Errorf("iptables-save outside: %w", err)
	}
	for rule := range strings.Lines(string(rules)) {
		if strings.Contains(rule, "KUBE-") {
			seen[rule] = ""
		}
	}
	return seen, nil
}

func TestClusterLeavesTheMachineAsItIs(t *testing.T) {
	sharedCluster(t)
	rules, err := exec.CommandContext(t.Context(), "iptables-save").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(rules), "KUBE-SERVICES") {
		t.Error("kube-proxy has made no rules")
	}
	during, err := machineState()
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(during, machine.before) {
		t.Errorf("the machine's state is %v, was %v", during, machine.before)
	}
}
