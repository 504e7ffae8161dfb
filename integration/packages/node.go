package packages

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bookend.dev/bookend/integration/harness"
)

//go:embed node.sh
var nodeScript string

// Node is a Debian node.
type Node struct {
	Name  string // that no other node has; its cgroups are below it
	dir   string
	first *exec.Cmd // makes the namespaces; ends with the node's first process
	alive io.Closer // whose end is the node's, also where this process dies
}

// Start makes a node of the file system in root. shared are directories of this
// machine by the names that they have in the node's root.
func Start(root string, shared map[string]string) (_ *Node, err error) {
	dir, err := os.MkdirTemp("", "bookend-node-")
	if err != nil {
		return nil, err
	}
	n := &Node{Name: filepath.Base(dir), dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	args := []string{"--mount", "--propagation", "private", "--pid", "--fork", "/bin/bash", "-c", nodeScript, "node.sh", root, dir}
	for name, of := range shared {
		args = append(args, name+"="+of)
	}
	n.first = exec.Command("unshare", args...)
	var complaints bytes.Buffer
	n.first.Stderr = &complaints
	if n.alive, err = n.first.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := n.first.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.first.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return nil, fmt.Errorf("start a node: %w: %q %s", err, line, &complaints)
	}
	return n, nil
}

// init is the node's first process, as the machine sees it: unshare's child.
func (n *Node) init() (string, error) {
	pid := strconv.Itoa(n.first.Process.Pid)
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	return strings.TrimSpace(string(children)), err
}

// Command is one that runs in the node, where nothing but PATH is in its environment.
func (n *Node) Command(args ...string) (*exec.Cmd, error) {
	pid, err := n.init()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("nsenter", append([]string{"--target", pid, "--mount", "--pid", "--root", "--wd", "--"}, args...)...)
	cmd.Env = []string{"PATH=/opt/containerd:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive"}
	return cmd, nil
}

// Run runs a command and returns its exit code and all that it has written.
func (n *Node) Run(args ...string) (code int, out string, err error) {
	cmd, err := n.Command(args...)
	if err != nil {
		return 0, "", err
	}
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	return cmd.ProcessState.ExitCode(), string(text), err
}

// Close ends the node with all that runs there, and removes what it has on this
// machine. An error tells what cannot be removed.
func (n *Node) Close() error {
	var err error
	if n.first != nil && n.first.Process != nil {
		err = errors.Join(n.alive.Close(), n.first.Wait())
	}
	return errors.Join(err,
		harness.Poll(context.Background(), 30*time.Second, "the end of the node's cgroups", n.removeCgroups), os.Remove(n.dir))
}

// removeCgroups removes those of the node's pods, whose processes are dead, or about to be.
func (n *Node) removeCgroups() error {
	dirs, err := harness.CgroupsBelow(n.Name)
	for _, dir := range slices.Backward(dirs) {
		if e := os.Remove(dir); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
