package proc

import (
	"bufio"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// Whoever has seen one member knows the number to be the hook's by then, and with
// it those that began later. Nobody knows that of members that all began later.
func TestSessionIsKnownByItsEldest(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 300 & echo $!; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	first := cmd.Process.Pid
	t.Cleanup(func() { _ = syscall.Kill(-first, syscall.SIGKILL); _ = cmd.Wait() })
	line := bufio.NewScanner(out)
	line.Scan()
	child, err := strconv.Atoi(line.Text())
	must(t, err)
	st, err := ReadStat(first)
	must(t, err)
	s := NewSession(first, first)
	s.Known = st.Start - reuseTicks
	if found := s.Find(); len(found) != 2 || found[child].Session != first || s.Known <= st.Start-reuseTicks {
		t.Errorf("found %v, known until %d", found, s.Known)
	}
	s.Known = st.Start - reuseTicks - 1
	if found := s.Find(); len(found) != 0 || s.Known != st.Start-reuseTicks-1 {
		t.Errorf("found %v, known until %d", found, s.Known)
	}
}
