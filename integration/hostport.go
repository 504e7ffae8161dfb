package integration

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// removeHostPorts deletes the rules and chains that the portmap plugin made for
// pods of network name. Where all went well there are none.
func removeHostPorts(ctx context.Context, name string) error {
	if _, err := exec.LookPath("iptables-save"); err != nil {
		return nil // then portmap could not make any either
	}
	saved, err := exec.CommandContext(ctx, "iptables-save", "-t", "nat").Output()
	if err != nil {
		return nil // no nat table in this kernel
	}
	rules, chains := hostPortRules(saved, name)
	for _, args := range rules {
		if err := iptables(ctx, append([]string{"-D"}, args...)...); err != nil {
			return err
		}
	}
	for _, chain := range chains {
		if err := iptables(ctx, "-F", chain); err != nil {
			return err
		}
		if err := iptables(ctx, "-X", chain); err != nil {
			return err
		}
	}
	return nil
}

// hostPortRules returns, from the output of iptables-save, the rules of the
// portmap plugin's common chains that jump to chains of network name, and those
// chains. The plugin names the network in each such rule's comment.
func hostPortRules(saved []byte, name string) (rules [][]string, chains []string) {
	lines := bufio.NewScanner(bytes.NewReader(saved))
	for lines.Scan() {
		line, ok := strings.CutPrefix(lines.Text(), "-A ")
		if !ok || !strings.Contains(line, `name: \"`+name+`\"`) {
			continue
		}
		args := splitQuoted(line)
		if target := args[len(args)-1]; strings.HasPrefix(target, "CNI-DN-") {
			rules, chains = append(rules, args), append(chains, target)
		}
	}
	return rules, chains
}

// splitQuoted splits a line of iptables-save, where arguments with blanks are
// quoted, and quotes in them escaped with a backslash.
func splitQuoted(line string) []string {
	var args []string
	var arg strings.Builder
	quoted, begun := false, false
	flush := func() {
		if begun {
			args = append(args, arg.String())
		}
		arg.Reset()
		begun = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			arg.WriteByte(line[i])
		case c == '"':
			quoted, begun = !quoted, true
		case c == ' ' && !quoted:
			flush()
		default:
			arg.WriteByte(c)
			begun = true
		}
	}
	flush()
	return args
}

func iptables(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "iptables", append([]string{"-w", "-t", "nat"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
