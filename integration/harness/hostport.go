package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sharedChains are the portmap plugin's chains for all networks, each with the
// built-in chains it is reached from. The plugin makes them again when they are
// missing, and never removes them.
var sharedChains = []struct {
	name string
	from []string
}{
	{"CNI-HOSTPORT-DNAT", []string{"PREROUTING", "OUTPUT"}},
	{"CNI-HOSTPORT-MASQ", []string{"POSTROUTING"}},
	{"CNI-HOSTPORT-SETMARK", nil},
}

// foreignChains is the file that says that shared chains were there before the
// daemon: they belong to others, and the daemon does not remove them.
const foreignChains = "host-ports-of-others"

// noteForeignChains writes that file where it is due.
func (d *Daemon) noteForeignChains(ctx context.Context) error {
	saved, err := exec.CommandContext(ctx, "iptables-save", "-t", "nat").Output()
	if err != nil {
		return fmt.Errorf("host ports need iptables: %w", err)
	}
	if !bytes.Contains(saved, []byte(":"+sharedChains[0].name+" ")) {
		return nil
	}
	return os.WriteFile(d.Path(foreignChains), nil, 0o600)
}

// removeHostPorts deletes the rules and chains that the portmap plugin made for
// pods of the daemon in dir, and the shared chains once no network uses them.
func removeHostPorts(ctx context.Context, dir string) error {
	conf, err := os.ReadFile(filepath.Join(dir, cniConfigFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil // the daemon did not get that far
	}
	if err != nil {
		return err
	}
	if !bytes.Contains(conf, []byte(`"portmap"`)) {
		return nil
	}
	saved, err := exec.CommandContext(ctx, "iptables-save", "-t", "nat").Output()
	if err != nil {
		return fmt.Errorf("iptables-save: %w", err)
	}
	rules, chains := hostPortRules(saved, filepath.Base(dir))
	for _, args := range rules {
		if err := iptables(ctx, append([]string{"-D"}, args...)...); err != nil {
			return err
		}
	}
	if err := removeChains(ctx, chains); err != nil {
		return err
	}
	return removeSharedChains(ctx, dir)
}

func removeSharedChains(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, foreignChains)); err == nil {
		return nil
	}
	saved, err := exec.CommandContext(ctx, "iptables-save", "-t", "nat").Output()
	if err != nil {
		return fmt.Errorf("iptables-save: %w", err)
	}
	if bytes.Contains(saved, []byte("-j CNI-DN-")) {
		return nil // another network's
	}
	var names []string
	for _, chain := range sharedChains {
		if !bytes.Contains(saved, []byte(":"+chain.name+" ")) {
			continue
		}
		names = append(names, chain.name)
		for _, from := range chain.from {
			for line := range strings.Lines(string(saved)) {
				rule, ok := strings.CutPrefix(strings.TrimSpace(line), "-A "+from+" ")
				if ok && strings.HasSuffix(rule, "-j "+chain.name) {
					if err := iptables(ctx, append([]string{"-D", from}, splitQuoted(rule)...)...); err != nil {
						return err
					}
				}
			}
		}
	}
	return removeChains(ctx, names)
}

func removeChains(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := errors.Join(iptables(ctx, "-F", name), iptables(ctx, "-X", name)); err != nil {
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
