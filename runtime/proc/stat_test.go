package proc

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const stat = "42 (a ) b (c) S 1 40 41 34816 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2"
	got, err := parseStat([]byte(stat))
	if want := (Stat{State: 'S', Parent: 1, Session: 41, Terminal: 34816, Flags: 4194564, Start: 987654}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if got.Alive() {
		t.Error("a task that exits counts as alive")
	}
	for _, bad := range []string{"", "42 (a) S 1", "42 (a) S 1 40 x 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// What started with the machine is as old as that is up.
func TestAgeIsTheTimeSinceTheStart(t *testing.T) {
	uptime := func() time.Duration {
		data, err := os.ReadFile("/proc/uptime")
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.ParseFloat(strings.Fields(string(data))[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(seconds * float64(time.Second))
	}
	before := uptime()
	age := Stat{}.Age()
	if after := uptime(); age < before-tick || age > after+2*tick {
		t.Errorf("got %s, want %s to %s", age, before, after)
	}
	if late := (Stat{Start: 100}).Age(); late < age-time.Second || late > uptime()-time.Second+2*tick {
		t.Errorf("of what started a second later: %s", late)
	}
}
