package containerlog

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"golang.org/x/sys/unix"
)

const testPrefix = "[preStop] "

// long is more time than any test takes.
func long() time.Time { return time.Now().Add(time.Hour) }

// newTestWriter returns a writer and what it says in the node's log.
func newTestWriter(path string) (*Writer, *logtest.Hook) {
	logger, said := logtest.NewNullLogger()
	return newWriter(path, testPrefix, logrus.NewEntry(logger)), said
}

func newFIFO(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(path, 0o600))
	return path
}

// openReader opens a FIFO for reading, which does not need a writer.
func openReader(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func newFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

func wantSaid(t *testing.T, said *logtest.Hook, want ...string) {
	t.Helper()
	var got []string
	for _, e := range said.AllEntries() {
		text := e.Message
		if err, ok := e.Data[logrus.ErrorKey]; ok {
			text += fmt.Sprintf(": %v", err)
		}
		got = append(got, text)
	}
	if len(got) != len(want) {
		t.Fatalf("the log has %q, want %q", got, want)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("the log has %q, want %q", got[i], want[i])
		}
	}
}

func TestLinesGoIntoAFileWithTheirPrefix(t *testing.T) {
	for name, tt := range map[string]struct {
		writes []string
		want   string
	}{
		"a line":                 {[]string{"one\n"}, "[preStop] one\n"},
		"in pieces":              {[]string{"o", "", "ne\nt", "wo", "\n"}, "[preStop] one\n[preStop] two\n"},
		"empty lines":            {[]string{"\n", "\n"}, "[preStop] \n[preStop] \n"},
		"an unfinished one":      {[]string{"one\ntwo"}, "[preStop] one\n[preStop] two\n"},
		"bytes that are no text": {[]string{"\x00\xff\r\n"}, "[preStop] \x00\xff\r\n"},
		"nothing":                {[]string{""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t, "before\n")
			w, said := newTestWriter(path)
			for _, s := range tt.writes {
				w.Write([]byte(s))
			}
			w.End(long())
			w.End(long())
			w.Write([]byte("after the end\n"))
			if w.started {
				<-w.done
			}
			if got := contents(t, path); got != "before\n"+tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			wantSaid(t, said)
		})
	}
}

func TestLongLinesAreSplitAtWhatOneWriteMayHave(t *testing.T) {
	limit := pipeBuf - len(testPrefix) - 1
	for name, tt := range map[string]struct {
		line string
		want []int // bytes of each part
	}{
		"just fits":            {strings.Repeat("x", limit), []int{limit}},
		"one more":             {strings.Repeat("x", limit+1), []int{limit, 1}},
		"three":                {strings.Repeat("x", 2*limit+5), []int{limit, limit, 5}},
		"between characters":   {strings.Repeat("x", limit-1) + "äx", []int{limit - 1, 3}},
		"long characters":      {strings.Repeat("x", limit-3) + "😀", []int{limit - 3, 4}},
		"not a character more": {strings.Repeat("x", limit-2) + "ä" + "x", []int{limit, 1}},
		"no text":              {strings.Repeat("\x80", limit+1), []int{limit, 1}},
	} {
		for _, piece := range []int{1, 8 << 10} {
			t.Run(fmt.Sprintf("%s in pieces of %d", name, piece), func(t *testing.T) {
				path := newFile(t, "")
				w, _ := newTestWriter(path)
				text := tt.line + "\nnext\n"
				for len(text) > 0 {
					n := min(piece, len(text))
					w.Write([]byte(text[:n]))
					text = text[n:]
				}
				w.End(long())
				<-w.done
				lines := strings.Split(strings.TrimSuffix(contents(t, path), "\n"), "\n")
				if last := len(lines) - 1; lines[last] != testPrefix+"next" {
					t.Errorf("the line after is %q", lines[last])
				}
				var got []int
				whole := ""
				for _, line := range lines[:len(lines)-1] {
					part, ok := strings.CutPrefix(line, testPrefix)
					if !ok {
						t.Errorf("a part without prefix: %.20q", line)
					}
					got = append(got, len(part))
					whole += part
				}
				if fmt.Sprint(got) != fmt.Sprint(tt.want) || whole != tt.line {
					t.Errorf("parts of %v bytes, want %v; whole: %v", got, tt.want, whole == tt.line)
				}
			})
		}
	}
}

// Lines of several writers, as long as one write may be, do not mix in a FIFO.
func TestLinesOfSeveralWritersDoNotMix(t *testing.T) {
	path := newFIFO(t)
	r := openReader(t, path)
	holder, err := os.OpenFile(path, os.O_WRONLY, 0) // else it ends whenever no writer has it open
	must(t, err)
	const writers, lines = 8, lineBacklog / pipeBuf // as many as none has to drop
	var all sync.WaitGroup
	for i := range writers {
		w, _ := newTestWriter(path)
		all.Go(func() {
			for range lines {
				w.Write([]byte(strings.Repeat(strconv.Itoa(i), pipeBuf-len(testPrefix)-1) + "\n"))
			}
			w.End(long())
			<-w.done
		})
	}
	go func() {
		all.Wait()
		holder.Close()
	}()
	seen := 0
	for buf := bufio.NewReader(fromNow(t, r)); ; seen++ {
		line, err := buf.ReadString('\n')
		if err == io.EOF {
			break
		}
		must(t, err)
		if len(line) != pipeBuf || strings.Trim(line[len(testPrefix):], line[len(testPrefix):][:1]) != "\n" {
			t.Fatalf("a line of %d bytes: %.30q", len(line), line)
		}
	}
	if seen != writers*lines {
		t.Errorf("%d lines, want %d", seen, writers*lines)
	}
}

// fromNow waits until somebody writes into a FIFO: before, it reads as ended.
func fromNow(t *testing.T, r *os.File) io.Reader {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(r.Fd()), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 60_000)
		if err == unix.EINTR {
			continue
		}
		must(t, err)
		if n == 0 {
			t.Fatal("nobody writes")
		}
		return r
	}
}

var missingNote = regexp.MustCompile(`^\[preStop\] bookend: (\d+) lines are missing here: the log was not read in time$`)

// count adds up lines and those said to be missing, and checks their order.
func count(t *testing.T, text string) (lines, missing, notes int) {
	t.Helper()
	next := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := missingNote.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1])
			missing += n
			next += n
			notes++
			continue
		}
		if want := fmt.Sprintf("%s%08d", testPrefix, next); line != want {
			t.Fatalf("line %q, want %q", line, want)
		}
		lines++
		next++
	}
	return lines, missing, notes
}

// flood writes n numbered lines. That it returns is what is tested.
func flood(w *Writer, from, n int) {
	for i := range n {
		w.Write(fmt.Appendf(nil, "%08d\n", from+i))
	}
}

// A reader that does not read holds nobody up. When it reads again it gets what
// was queued, and where lines are missing it is told how many.
func TestASlowReaderMissesLinesAndIsTold(t *testing.T) {
	path := newFIFO(t)
	r := openReader(t, path)
	w, said := newTestWriter(path)
	const n = 50_000 // some ten times what FIFO and queue hold
	flood(w, 0, n)
	w.End(long())
	data, err := io.ReadAll(fromNow(t, r))
	must(t, err)
	<-w.done
	lines, missing, notes := count(t, string(data))
	if lines+missing != n || missing == 0 || notes == 0 {
		t.Errorf("%d lines and %d missing, want %d in all", lines, missing, n)
	}
	if lines < lineBacklog/30 { // what was queued, at the least
		t.Errorf("only %d lines were kept for the reader", lines)
	}
	wantSaid(t, said, "lacks lines of a hook")
	if got := said.LastEntry().Data["lines"]; got != missing {
		t.Errorf("the log says %v lines, want %d", got, missing)
	}
}

// While somebody holds a FIFO open for reading, as the shim does for the
// container's own output, readers may come and go.
func TestReadersMayComeAndGo(t *testing.T) {
	path := newFIFO(t)
	holder := openReader(t, path) // never reads
	w, said := newTestWriter(path)
	flood(w, 0, 100)
	first := bufio.NewReaderSize(fromNow(t, openReader(t, path)), 16) // reads no further than it must
	var got strings.Builder
	for range 50 {
		line, err := first.ReadString('\n')
		must(t, err)
		got.WriteString(line)
	}
	rest, err := first.Peek(first.Buffered())
	must(t, err)
	got.Write(rest)
	flood(w, 100, 50_000) // nobody reads
	w.End(long())
	second := openReader(t, path)
	data, err := io.ReadAll(fromNow(t, second))
	must(t, err)
	<-w.done
	got.Write(data)
	lines, missing, notes := count(t, got.String())
	if lines+missing != 50_100 || missing == 0 || notes == 0 {
		t.Errorf("%d lines, %d missing in %d notes; want 50100 in all", lines, missing, notes)
	}
	wantSaid(t, said, "lacks lines of a hook")
	holder.Close()
}

func TestALogThatNobodyReadsIsGivenUpOnce(t *testing.T) {
	path := newFIFO(t)
	w, said := newTestWriter(path)
	w.Write([]byte("one\n"))
	<-w.done
	flood(w, 0, 50_000)
	w.End(long())
	wantSaid(t, said, "does not take the lines of a hook any more: open "+path+": no such device or address")
	if len(w.queue) > 0 || len(w.line) > 0 {
		t.Errorf("%d bytes wait for nobody", len(w.queue)+len(w.line))
	}
}

func TestALogWhoseReaderGoesIsGivenUpOnce(t *testing.T) {
	path := newFIFO(t)
	r := openReader(t, path)
	w, said := newTestWriter(path)
	w.Write([]byte("one\n"))
	line, err := bufio.NewReader(fromNow(t, r)).ReadString('\n')
	if err != nil || line != "[preStop] one\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	must(t, r.Close())
	w.Write([]byte("two\n"))
	<-w.done
	flood(w, 0, 50_000)
	w.End(long())
	wantSaid(t, said, "does not take the lines of a hook any more: write "+path+": broken pipe")
}

// The writer waits in a full FIFO when the time is up: it ends, whoever reads.
func TestTheEndDoesNotWaitForAReader(t *testing.T) {
	path := newFIFO(t)
	r := openReader(t, path)
	w, said := newTestWriter(path)
	flood(w, 0, 50_000)
	w.End(time.Now())
	<-w.done
	data, err := io.ReadAll(fromNow(t, r)) // ends: nobody holds the FIFO
	must(t, err)
	if lines, missing, _ := count(t, string(data)); lines < 1000 || missing > 0 {
		t.Errorf("%d lines, %d missing in the FIFO", lines, missing)
	}
	wantSaid(t, said, "lacks lines of a hook")
}

// A FIFO that others have filled takes nothing: the time may be up before it is
// even open.
func TestAFIFOThatIsFullIsNotWaitedFor(t *testing.T) {
	path := newFIFO(t)
	openReader(t, path)
	other, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	defer other.Close()
	must(t, other.SetWriteDeadline(time.Now().Add(-time.Hour)))
	conn, err := other.SyscallConn()
	must(t, err)
	for writeLine(conn, make([]byte, pipeBuf)) == nil {
	}
	w, said := newTestWriter(path)
	w.Write([]byte("one\n"))
	w.End(time.Now())
	<-w.done
	wantSaid(t, said, "lacks lines of a hook")
}

// What has room goes out even when the time is up.
func TestAtTheEndWhatHasRoomIsWritten(t *testing.T) {
	path := newFIFO(t)
	r := openReader(t, path)
	w, said := newTestWriter(path)
	w.Write([]byte("00000000\n00000001"))
	w.End(time.Now().Add(-time.Hour))
	<-w.done
	data, err := io.ReadAll(r)
	must(t, err)
	if lines, _, _ := count(t, string(data)); lines != 2 {
		t.Errorf("got %q", data)
	}
	wantSaid(t, said)
}

func TestALogIsNeverMade(t *testing.T) {
	for name, path := range map[string]string{
		"not there":   filepath.Join(t.TempDir(), "none"),
		"a directory": t.TempDir(),
		"a device":    "/dev/null",
	} {
		t.Run(name, func(t *testing.T) {
			w, said := newTestWriter(path)
			before, statErr := os.Stat(path)
			w.Write([]byte("one\n"))
			w.End(long())
			<-w.done
			wantSaid(t, said, "does not take the lines of a hook any more: open "+path+": ")
			if after, err := os.Stat(path); (err == nil) != (statErr == nil) || err == nil && after.Mode() != before.Mode() {
				t.Errorf("there is %v now", after)
			}
		})
	}
}

func TestNowhereIsNoWriter(t *testing.T) {
	w := newWriter("", testPrefix, nil)
	w.Write([]byte("one\n"))
	w.End(long())
	if w != nil {
		t.Error("there is a writer")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
