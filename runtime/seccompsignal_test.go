package runtime

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/contrib/seccomp"
)

// A signal that comes between the load and its answer makes the load come
// again, and the answer to the first one is for none. strace holds up the
// listener, so that signals do come there, and tells that they did.
func TestProgramIsCaughtThoughSignalsInterruptItsLoad(t *testing.T) {
	const signals = 10
	_, execPath := binaries(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace: ", err)
	}
	trace := filepath.Join(t.TempDir(), "trace")
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-o", trace, "-e", "trace=ioctl", "--inject=ioctl:delay_enter=20000", execPath, "compile")
	cmd.Stdin = bytes.NewReader(seccompRequest(t, seccomp.DefaultProfile(testSpec("x"))))
	cmd.Stdout, cmd.Stderr = &out, &errs
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(17 * time.Millisecond)
	defer tick.Stop()
	for range signals {
		<-tick.C
		for _, pid := range childrenOf(t, cmd.Process.Pid) {
			signalThreads(pid)
		}
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v: %s", err, errs.Bytes())
	}
	if _, err := parseSeccompProgram(out.Bytes()); err != nil {
		t.Error(err)
	}
	calls, err := os.ReadFile(trace)
	must(t, err)
	if n := strings.Count(string(calls), "ENOENT"); n == 0 {
		t.Errorf("no signal came between the load and its answer:\n%s", calls)
	}
}

func childrenOf(t *testing.T, pid int) (pids []int) {
	t.Helper()
	found, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	must(t, err)
	for _, path := range found {
		data, _ := os.ReadFile(path) // of a thread that has ended: none
		for _, child := range strings.Fields(string(data)) {
			n, err := strconv.Atoi(child)
			must(t, err)
			pids = append(pids, n)
		}
	}
	return pids
}
