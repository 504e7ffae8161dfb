package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/hooks/record"
)

// newTerminal returns both sides of a pseudo terminal.
func newTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

func TestAHooksOutputCannotActOnATerminal(t *testing.T) {
	dir := newNode(t)
	screen, terminal := newTerminal(t)
	var errs bytes.Buffer
	if code := Execute(t.Context(), []string{"logs", "3f1c", "--records", dir}, Streams{In: terminal, Out: terminal, Err: &errs}); code != ExitOK {
		t.Fatalf("exit code %d, %s", code, errs.String())
	}
	shown := make([]byte, 4096)
	n, err := screen.Read(shown)
	if got := string(shown[:n]); err != nil || !strings.Contains(got, `stderr: no \x1b[31mdatabase\x1b[0m`) || strings.Contains(got, "\x1b") {
		t.Errorf("on a terminal: %q, %v", got, err)
	}
	if _, got, _ := run(t, "", "logs", "3f1c", "--records", dir); !strings.Contains(got, "stderr: no \x1b[31mdatabase\x1b[0m\n") {
		t.Errorf("elsewhere: %q", got)
	}
}

func TestPSRedrawsATerminal(t *testing.T) {
	var out bytes.Buffer
	started := noon
	st := []record.Status{{Subject: plain, Phase: "preStop", PreStop: "exec", Hook: "preStop", Started: &started}}
	v := &psView{out: &out, as: command.AsTable, live: true, terminal: true}
	for _, now := range []time.Time{noon, noon.Add(time.Millisecond), noon.Add(time.Second)} {
		if err := v.draw(st, now); err != nil {
			t.Fatal(err)
		}
	}
	page := "\x1b[H\x1b[2JNAMESPACE   ID      POD/NAME   PHASE     HOOK             ELAPSED   DEADLINE\ndefault     batch   -          preStop   preStop (exec)   "
	if want := page + "0s        -\n" + page + "1s        -\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
