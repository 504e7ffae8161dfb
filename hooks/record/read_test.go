package record

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/hooks"
)

const firstLine = `{"version":1,"namespace":"n","container":"c","hook":"preStop","handler":"sleep","attempt":1,"started":"2026-01-02T03:04:05Z"}` + "\n"

const stopLine = `{"version":1,"kind":"stop","namespace":"n","container":"c","stopSignal":"SIGTERM","started":"2026-01-02T03:04:05Z"}` + "\n"

func TestDecode(t *testing.T) {
	tests := map[string]struct {
		text    string
		foreign bool
		want    func(Record) bool
	}{
		"begun":                  {text: firstLine, want: func(r Record) bool { return r.Outcome == "" && r.Hook == hooks.PreStop }},
		"ended":                  {text: firstLine + `{"outcome":"Failed"}` + "\n", want: func(r Record) bool { return r.Outcome == hooks.Failed }},
		"torn end":               {text: firstLine + `{"outcome":"Fai`, want: func(r Record) bool { return r.Outcome == "" && r.Container == "c" }},
		"end without newline":    {text: firstLine + `{"outcome":"Failed"}`, want: func(r Record) bool { return r.Outcome == "" }},
		"torn, then completed":   {text: firstLine + `{"outcome":"Fai` + "\n" + `{"outcome":"Unknown"}` + "\n", want: func(r Record) bool { return r.Outcome == hooks.Unknown }},
		"amended":                {text: firstLine + `{"outcome":"Failed","stdout":"YQ=="}` + "\n" + `{"outcome":"Cancelled"}` + "\n", want: func(r Record) bool { return r.Outcome == hooks.Cancelled && string(r.Stdout) == "a" }},
		"another kind of line":   {text: firstLine + "[1]\n\nnull\n\"x\"\n{\"outcome\":\"Failed\"}\n", want: func(r Record) bool { return r.Outcome == hooks.Failed }},
		"a field of another way": {text: firstLine + `{"exitCode":"seven","outcome":"Failed","signal":9}` + "\n", want: func(r Record) bool { return r.Outcome == hooks.Failed && r.Signal == 9 && r.ExitCode == nil }},
		"a newer version":        {text: strings.Replace(firstLine, `"version":1`, `"version":7,"colour":"red"`, 1) + `{"outcome":"Succeeded","mood":{}}` + "\n", want: func(r Record) bool { return r.Version == 7 && r.Outcome == hooks.Succeeded && r.Container == "c" }},
		"a stop":                 {text: stopLine, want: func(r Record) bool { return r.Kind == Stop && r.StopSignal == "SIGTERM" && !r.ended() }},
		"a stop delivered":       {text: stopLine + `{"delivery":"delivered"}` + "\n", want: func(r Record) bool { return r.ended() && r.Delivery == Delivered && r.Outcome == "" }},
		"a stop torn":            {text: stopLine + `{"delivery":"deliv`, want: func(r Record) bool { return !r.ended() }},
		"not JSON":               {text: "hello\n", foreign: true},
		"torn first line":        {text: firstLine[:40], foreign: true},
		"no newline":             {text: strings.TrimSpace(firstLine), foreign: true},
		"no version":             {text: "{}\n" + firstLine, foreign: true},
		"a list":                 {text: "[]\n", foreign: true},
		"binary":                 {text: "\x00\x01\n", foreign: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := decode([]byte(tt.text))
			if errors.Is(err, ErrForeign) != tt.foreign || err != nil && !tt.foreign {
				t.Fatalf("error %v, want foreign %v", err, tt.foreign)
			}
			if tt.want != nil && !tt.want(r) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestABriefFollowerReadsNothingThatAHookWrote(t *testing.T) {
	s := newStore(t, Limits{})
	s.Begin(Record{Subject: Subject{Namespace: "n", Container: "c"}, Hook: hooks.PreStop, Started: time.Now()}).End(End{
		Outcome: hooks.Failed, Stdout: []byte("a"), Stderr: []byte("b"), Detail: "d", Runner: "runtime", RunnerReason: "r",
	})
	f := s.Follow()
	f.Brief = true
	got, _, err := f.Poll()
	if err != nil || len(got) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	r := got[0]
	if r.Stdout != nil || r.Stderr != nil || r.Detail != "" || r.RunnerReason != "" || r.Outcome != hooks.Failed || r.Runner != "runtime" {
		t.Errorf("got %+v", r)
	}
	if !f.Has(r.ID) || f.Has(r.ID+"0") {
		t.Error("the follower does not know what is there")
	}
	if err := os.Remove(s.recordPath(r.ID + extension)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Poll(); err != nil || f.Has(r.ID) {
		t.Errorf("the follower has what is gone, %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(firstLine + `{"outcome":"Failed","exitCode":3,"stdout":"YQ=="}` + "\n" + `{"outcome":"Cancelled"`))
	f.Add([]byte(stopLine + `{"delivery":"ended","durationSeconds":12}` + "\n"))
	f.Add([]byte("{}\n[]\nnull\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		if r.Version < 1 {
			t.Errorf("version %d", r.Version)
		}
		// What is torn at the end changes nothing.
		for _, line := range []string{`{"outcome":"Unk`, `{"delivery":"ended"`} {
			torn, err := decode(append(data[:len(data):len(data)], "\n"+line...))
			if err != nil || (torn.Outcome != r.Outcome || torn.Delivery != r.Delivery) && data[len(data)-1] == '\n' {
				t.Errorf("with a torn line: %+v, %v; without %+v", torn, err, r)
			}
		}
	})
}

func TestForeignFilesAreToldAndPassedOver(t *testing.T) {
	s := newStore(t, Limits{})
	s.Begin(example("c", 1)).End(End{Outcome: hooks.Succeeded})
	dir := filepath.Join(s.dir, recordsDir)
	name := func(n string) string { return filepath.Join(dir, "0000000000000000000"+n+"-0000000a.jsonl") }
	for path, content := range map[string]string{
		filepath.Join(dir, "README"): "hello", filepath.Join(dir, "x.jsonl"): "{}\n",
		name("1"): "garbage\n", name("2"): "", // empty: has not got further
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(name("3"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name("4"), 0o700); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(elsewhere, []byte(firstLine), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, name("5")); err != nil {
		t.Fatal(err)
	}
	records, skipped, err := s.List()
	if err != nil || len(records) != 1 || len(skipped) != 4 {
		t.Errorf("%d records, skipped %v, %v; want 1, 4 skipped", len(records), skipped, err)
	}
	for _, e := range skipped {
		if !errors.Is(e, ErrForeign) {
			t.Errorf("skipped: %v", e)
		}
	}
}

func TestADirectoryThatIsNotThereIsEmpty(t *testing.T) {
	s := Open("/no/such/directory", Limits{})
	if records, skipped, err := s.List(); records != nil || skipped != nil || err != nil {
		t.Errorf("List: %v, %v, %v", records, skipped, err)
	}
	if statuses, skipped, err := s.Statuses(); statuses != nil || skipped != nil || err != nil {
		t.Errorf("Statuses: %v, %v, %v", statuses, skipped, err)
	}
}

func TestRecordsComeInTheOrderOfTheirStart(t *testing.T) {
	s := newStore(t, Limits{})
	now := time.Now()
	for i, after := range []time.Duration{2 * time.Second, 0, time.Second} {
		r := example("c", i+1)
		r.Started = now.Add(after)
		s.Begin(r).End(End{Outcome: hooks.Succeeded})
	}
	var got []int
	for _, r := range list(t, s) {
		got = append(got, r.Attempt)
	}
	if len(got) != 3 || got[0] != 2 || got[1] != 3 || got[2] != 1 {
		t.Errorf("attempts %v, want 2 3 1", got)
	}
}

func TestAnEndBetweenReadingAndLookingForTheWriterIsSeen(t *testing.T) {
	for _, tt := range []struct {
		begun Record
		end   End
	}{{example("c", 1), End{Outcome: hooks.Failed}}, {undelivered("c"), End{Delivery: Delivered}}} {
		endsUnread(t, tt.begun, tt.end)
	}
}

func endsUnread(t *testing.T, first Record, end End) {
	t.Helper()
	s := newStore(t, Limits{})
	e := s.Begin(first)
	file, err := os.Open(onlyFile(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	e.End(end)
	r, size, err := readOpen(file, data, begun)
	if st, statErr := file.Stat(); err != nil || statErr != nil || r.Outcome != end.Outcome || r.Delivery != end.Delivery || size != st.Size() {
		t.Errorf("got %+v, %d of %d bytes, %v", r, size, st.Size(), err)
	}
}

func TestAFollowerSeesWhatChanged(t *testing.T) {
	s := newStore(t, Limits{})
	f := s.Follow()
	poll := func(want ...string) {
		t.Helper()
		records, skipped, err := f.Poll()
		var got []string
		for _, r := range records {
			state := string(r.Outcome)
			if r.Running {
				state = "running"
			}
			got = append(got, r.Container+" "+state)
		}
		if err != nil || skipped != nil || strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("Poll: %q, skipped %v, %v; want %q", got, skipped, err, want)
		}
	}
	poll()
	a, b := s.Begin(example("a", 1)), s.Begin(example("b", 1))
	poll("a running", "b running")
	poll()
	a.End(End{Outcome: hooks.Failed})
	poll("a Failed")
	s.flush()
	b.file.Close()
	poll("b Unknown")
	poll()
	a.Amend(End{Outcome: hooks.Cancelled})
	s.flush()
	poll("a Cancelled")
	if err := os.Remove(s.recordPath(a.name)); err != nil {
		t.Fatal(err)
	}
	poll()
}
