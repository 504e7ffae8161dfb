package runtime

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// villain is a shell in a container, which attacks the hooks there.
type villain struct {
	c   *testContainer
	in  *os.File
	out *os.File
	buf *bufio.Reader
	n   int
}

// villainEnd says that a script has ended.
const villainEnd = "villain-end-"

// villain starts one, root with the container's capabilities and those given.
func (c *testContainer) villain(caps ...string) *villain {
	c.Helper()
	inRead, in, err := os.Pipe()
	must(c, err)
	defer inRead.Close()
	out, outWrite, err := os.Pipe()
	must(c, err)
	defer outWrite.Close()
	args := []string{"--root", c.RuncRoot, "exec"}
	for _, capability := range caps {
		args = append(args, "--cap", capability)
	}
	cmd := exec.Command(c.runc, append(args, "--user", "0:0", c.ID, "sh")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inRead, outWrite, outWrite
	must(c, cmd.Start())
	v := &villain{c: c, in: in, out: out, buf: bufio.NewReader(out)}
	c.Cleanup(func() {
		in.Close()
		stop := time.AfterFunc(attackBound, func() { _ = cmd.Process.Kill() })
		defer stop.Stop()
		_ = cmd.Wait()
		out.Close()
	})
	v.do("true")
	return v
}

// do runs a script in the shell and returns what it printed.
func (v *villain) do(script string) string {
	v.c.Helper()
	v.n++
	end := villainEnd + strconv.Itoa(v.n)
	deadline := time.Now().Add(attackBound)
	_ = v.in.SetWriteDeadline(deadline)
	_ = v.out.SetReadDeadline(deadline)
	if _, err := fmt.Fprintf(v.in, "%s\necho; echo %s\n", script, end); err != nil {
		v.c.Errorf("villain: %s: %v", script, err)
		return ""
	}
	var said strings.Builder
	for {
		line, err := v.buf.ReadString('\n')
		if line == end+"\n" {
			return strings.TrimSpace(said.String())
		}
		said.WriteString(line)
		if err != nil {
			v.c.Errorf("villain: %s: %v: %s", script, err, said.String())
			return ""
		}
	}
}

// tracer puts a program into the container that traces: villain.c.
func (c *testContainer) tracer() {
	c.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		c.Skip("needs gcc for a program that traces in the container")
	}
	program := filepath.Join(c.rootfs, "scratch/trace")
	out, err := exec.Command(gcc, "-static", "-O1", "-Wall", "-Werror", "-o", program, "testdata/trace.c").CombinedOutput()
	if err != nil {
		c.Fatalf("gcc: %v: %s", err, out)
	}
}
