package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// portmapPrefix begins the names of the chains that the CNI plugin portmap shares among all networks
// of a machine, and never removes.
const portmapPrefix = "CNI-HOSTPORT-"

// natTable returns the nat table in iptables-save's form.
func natTable(ctx context.Context) (string, error) {
	table, err := exec.CommandContext(ctx, "iptables-save", "-t", "nat").Output()
	if err != nil {
		return "", fmt.Errorf("iptables-save: %w (host ports need iptables)", err)
	}
	return string(table), nil
}

// removePortmapChains removes portmap's shared chains, unless the table had them before. It does so in
// one transaction that fails as a whole where another process publishes a port by now.
func removePortmapChains(ctx context.Context, before string) error {
	if strings.Contains(before, portmapPrefix) {
		return nil
	}
	now, err := natTable(ctx)
	if err != nil {
		return err
	}
	script := chainRemoval(now)
	if script == "" {
		return nil
	}
	restore := exec.CommandContext(ctx, "iptables-restore", "--wait", "--noflush")
	restore.Stdin = strings.NewReader(script)
	if out, err := restore.CombinedOutput(); err != nil {
		return fmt.Errorf("remove chains %s*: iptables-restore: %w: %s", portmapPrefix, err, out)
	}
	return nil
}

// chainRemoval writes the transaction that removes the shared chains from table, for iptables-restore;
// empty if there are none, or one is in use. Their own rules and the jumps to them go first.
func chainRemoval(table string) string {
	var rules, chains []string
	for _, line := range strings.Split(table, "\n") {
		switch {
		case strings.HasPrefix(line, ":"+portmapPrefix):
			name, _, _ := strings.Cut(line[1:], " ")
			chains = append(chains, "-X "+name)
		case strings.HasPrefix(line, "-A "+portmapPrefix+"DNAT "):
			return "" // a published port
		case strings.HasPrefix(line, "-A ") && strings.Contains(line, portmapPrefix):
			rules = append(rules, "-D "+line[len("-A "):])
		}
	}
	if len(chains) == 0 {
		return ""
	}
	return strings.Join(append(append([]string{"*nat"}, append(rules, chains...)...), "COMMIT", ""), "\n")
}
