package record

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/hooks"
)

// attempted writes the records of attempts, one a second and each of 16 KiB, that
// have ended: "a1 b1 a2" are two of a and one of b.
func attempted(t *testing.T, s *Store, attempts string) {
	t.Helper()
	names := strings.Fields(attempts)
	for i, name := range names {
		var number int
		if _, err := fmt.Sscanf(name[1:], "%d", &number); err != nil {
			t.Fatal(err)
		}
		r := example(name[:1], number)
		r.Started = time.Now().Add(time.Duration(i-len(names)) * time.Second)
		e := s.Begin(r)
		s.do(0, 0, func() error {
			return e.end([]End{{Outcome: hooks.Failed, Stdout: bytes.Repeat([]byte("x"), 10<<10)}})
		})
	}
	s.flush()
}

// left is what is in the store, as [attempted] takes it.
func left(t *testing.T, s *Store) string {
	t.Helper()
	var names []string
	for _, r := range list(t, s) {
		names = append(names, fmt.Sprintf("%s%d", r.Container, r.Attempt))
	}
	return strings.Join(names, " ")
}

func TestAContainerHasAShare(t *testing.T) {
	const all = "a1 b1 a2 a3 a4 c1 a5 a6 b2"
	for name, tt := range map[string]struct {
		limits Limits
		want   string
		all    string
	}{
		"none":                    {Limits{}, all, all},
		"count":                   {Limits{MaxCountPerContainer: 4}, "a1 b1 a4 c1 a5 a6 b2", all},
		"first and last":          {Limits{MaxCountPerContainer: 2}, "a1 b1 c1 a6 b2", all},
		"one":                     {Limits{MaxCountPerContainer: 1}, "c1 a6 b2", all},
		"bytes":                   {Limits{MaxBytesPerContainer: 50 << 10}, "a1 b1 a5 c1 a6 b2", all},
		"not even one":            {Limits{MaxBytesPerContainer: 1}, "c1 a6 b2", all},
		"an eighth of the count":  {Limits{MaxCount: 24}, "a1 b1 c1 a5 a6 b2", all},
		"an eighth of the bytes":  {Limits{MaxBytes: 8 * 50 << 10}, "a1 b1 c1 a5 a6 b2", all},
		"first and last at least": {Limits{MaxCount: 9}, "a1 b1 c1 a6 b2", all},
		"the whole, middle first": {Limits{MaxCount: 7, MaxCountPerContainer: 7}, "a1 b1 a4 c1 a5 a6 b2", all},
		"the whole, then others":  {Limits{MaxCount: 3, MaxCountPerContainer: 7}, "c1 a6 b2", all},
		"the share before":        {Limits{MaxCount: 6, MaxCountPerContainer: 3}, "b1 b2 b3 a1 a5 a6", "b1 b2 b3 a1 a2 a3 a4 a5 a6"},
		"the share, and the rest": {Limits{MaxCount: 5, MaxCountPerContainer: 3}, "a1 a6 b1 b2 b3", "a1 a2 a3 a4 a5 a6 b1 b2 b3"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, tt.limits)
			attempted(t, s, tt.all)
			if err := s.prune(true); err != nil {
				t.Fatal(err)
			}
			if got, want := sorted(left(t, s)), sorted(tt.want); got != want {
				t.Errorf("left %s, want %s", got, want)
			}
		})
	}
}

func sorted(names string) string {
	fields := strings.Fields(names)
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

// A record that cannot go does not keep others of its container from going, and
// costs other containers nothing.
func TestAnOpenRecordCountsForItsContainer(t *testing.T) {
	s := newStore(t, Limits{MaxCountPerContainer: 3})
	r := example("a", 1)
	r.Started = time.Now().Add(-time.Minute)
	attempted(t, s, "a2 b1 b2")
	s.Begin(r)
	attempted(t, s, "a3 a4 a5")
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	if got := sorted(left(t, s)); got != "a1 a4 a5 b1 b2" {
		t.Errorf("left %s", got)
	}
}

func TestContainersOfTwoNamespacesDoNotShare(t *testing.T) {
	s := newStore(t, Limits{MaxCountPerContainer: 1})
	attempted(t, s, "a1")
	other := example("a", 2)
	other.Namespace = "moby"
	s.Begin(other).End(End{Outcome: hooks.Succeeded})
	s.flush()
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	if got := left(t, s); got != "a1 a2" {
		t.Errorf("left %s", got)
	}
}

func TestRecordsOfOneMomentAreAllKept(t *testing.T) {
	s := newStore(t, Limits{})
	r := example("a", 0)
	for i := range 3 {
		r.Attempt = i + 1
		s.Begin(r).End(End{Outcome: hooks.Succeeded})
	}
	if got := left(t, s); got != "a1 a2 a3" {
		t.Errorf("left %s", got)
	}
}

// Names of older versions do not say whose a record is.
func TestRecordsOfOlderVersionsAreReadAndBounded(t *testing.T) {
	s := newStore(t, Limits{MaxCount: 4, MaxCountPerContainer: 1})
	attempted(t, s, "a1")
	now := time.Now()
	for i := range 6 {
		name := fmt.Sprintf("%020d-%08x.jsonl", now.Add(time.Duration(i)*time.Second).UnixNano(), 0x5f0c77a1+i)
		if err := os.WriteFile(s.recordPath(name), []byte(firstLine+`{"outcome":"Failed"}`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(list(t, s)); got != 7 {
		t.Errorf("%d records, want 7", got)
	}
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	if got := left(t, s); got != "c1 c1 c1 c1" {
		t.Errorf("left %s", got)
	}
}

// One that is retried a thousand times and prints as much as it can costs the
// others nothing, and how it began and ended is still there.
func TestANoisyContainerPushesNoOtherOut(t *testing.T) {
	// A quarter of the default: a disk that is busy with more takes longer than
	// the store waits.
	s := newStore(t, Limits{MaxBytes: 8 << 20})
	put(t, s, 200, 0)
	output := bytes.Repeat([]byte("x"), 64<<10)
	const retries = 250 // four times what may be kept
	for i := range retries + 1 {
		r := example("noisy", i+1)
		r.Started = time.Now()
		e := s.Begin(r)
		e.End(End{Outcome: hooks.Failed, Stdout: output, Stderr: output})
		s.flush()
	}
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	var noisy []int
	others := 0
	for _, r := range list(t, s) {
		if r.Container == "noisy" {
			noisy = append(noisy, r.Attempt)
		} else {
			others++
		}
	}
	if others != 200 {
		t.Errorf("%d of 200 records of others are left", others)
	}
	if len(noisy) < 3 || noisy[0] != 1 || noisy[len(noisy)-1] != retries+1 || noisy[1] != retries+3-len(noisy) {
		t.Errorf("of the noisy one are left %d", noisy)
	}
	files, err := s.files()
	if err != nil {
		t.Fatal(err)
	}
	took := use{}
	for _, f := range files {
		if f.container == shortHash(example("noisy", 1).Subject) {
			took.add(1, f.bytes)
		}
	}
	if took.count != len(noisy) || took.bytes > s.limits.MaxBytes/8 {
		t.Errorf("%d records take %d bytes", took.count, took.bytes)
	}
}
