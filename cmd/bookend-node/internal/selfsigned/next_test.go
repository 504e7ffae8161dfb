package selfsigned

import (
	"testing"
	"time"
)

func testLifetimes() Lifetimes {
	return Lifetimes{Authority: 300 * time.Hour, Serving: 30 * time.Hour, Settle: time.Hour}
}

func beginning() time.Time { return time.Date(2026, 11, 26, 18, 0, 0, 0, time.UTC) }

// step is the next state after some time. The newest authority was published when
// it was made, or never.
func step(t *testing.T, s *state, after time.Duration, published bool) *state {
	t.Helper()
	w := world{now: beginning().Add(after), names: []string{serverName}}
	if published && s != nil {
		w.known = made(s.newest.cert)
	}
	n, err := testLifetimes().next(s, w)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNextOfAnAuthority(t *testing.T) {
	first := step(t, nil, 0, false)
	if !first.isNewest() || len(first.older) != 0 || first.serving.cert.DNSNames[0] != serverName {
		t.Fatalf("begins with %+v", first)
	}
	if s := step(t, first, 19*time.Hour, true); s != first {
		t.Error("changed before anything was due")
	}
	renewed := step(t, first, 20*time.Hour, true)
	if renewed.serving.cert.Equal(first.serving.cert) || !renewed.newest.cert.Equal(first.newest.cert) || !renewed.isNewest() {
		t.Error("at 2/3 of its life the serving certificate was not renewed by the same authority")
	}
	s := step(t, renewed, 39*time.Hour, true)
	for hours := 40; hours < 200; hours += 10 {
		s = step(t, s, time.Duration(hours)*time.Hour, true)
	}
	if !s.newest.cert.Equal(first.newest.cert) {
		t.Fatal("the authority was replaced before it was due")
	}
	s = step(t, s, 200*time.Hour, true) // the serving certificate is due as well, and first
	two := step(t, s, 200*time.Hour, true)
	if two.newest.cert.Equal(first.newest.cert) || len(two.older) != 1 || !two.older[0].Equal(first.newest.cert) || !two.serving.cert.Equal(s.serving.cert) {
		t.Fatal("at 2/3 of its life the authority got no other beside it, or that signed at once")
	}
	if n := step(t, two, 202*time.Hour, false); n != two {
		t.Error("an authority signs that API servers do not know")
	}
	if n := step(t, two, 230*time.Hour, false); n != two {
		t.Error("the older authority went in the last moment of what it has signed")
	}
	if n := step(t, two, 231*time.Hour, false); !n.isNewest() {
		t.Error("an expired serving certificate waits for an authority that API servers do not know")
	}
	if n := step(t, two, 200*time.Hour+59*time.Minute, true); n != two {
		t.Error("an authority signs before it has settled")
	}
	signed := step(t, two, 201*time.Hour, true)
	if !signed.isNewest() || len(signed.older) != 1 {
		t.Fatal("an authority that has settled does not sign, or the older one is gone already")
	}
	if n := step(t, signed, 220*time.Hour, true); len(n.older) != 1 {
		t.Error("the older authority went while what it has signed is valid")
	}
	if s = step(t, signed, 230*time.Hour, true); len(s.older) == 1 { // renews first
		s = step(t, s, 230*time.Hour, true)
	}
	if len(s.older) != 0 {
		t.Error("the older authority stays for good")
	}
}

func TestNextInAnEmergency(t *testing.T) {
	first := step(t, nil, 0, false)
	other := step(t, nil, 0, false)

	if s := step(t, first, 31*time.Hour, false); s.serving.cert.Equal(first.serving.cert) {
		t.Error("an expired serving certificate stays")
	}
	if s := step(t, first, 301*time.Hour, false); s.newest.cert.Equal(first.newest.cert) || len(s.older) != 0 || !s.isTrusted(world{now: beginning().Add(301 * time.Hour)}) {
		t.Error("an expired authority stays")
	}
	if s := step(t, first, 299*time.Hour+30*time.Minute, false); !s.newest.cert.Equal(first.newest.cert) {
		t.Error("an authority was replaced at once that is valid")
	}
	mixed := &state{newest: first.newest, serving: other.serving}
	if s := step(t, mixed, 0, false); !s.isNewest() {
		t.Error("a serving certificate of another authority stays")
	}
	n, err := testLifetimes().next(first, world{now: beginning(), names: []string{"other"}})
	if err != nil || n.serving.cert.DNSNames[0] != "other" {
		t.Errorf("a certificate for another name stays: %v", err)
	}
}

// Who has a clock that is behind does not write again and again what is not valid yet.
func TestNextOfAClockThatIsFarBehind(t *testing.T) {
	first := step(t, nil, 0, false)
	if s := step(t, first, -2*skew, false); s != first {
		t.Error("renewed what is not valid yet")
	}
}

// A replica whose clock is ahead makes a certificate that no one takes yet. The next one
// does not wait for it.
func TestNextAfterAClockThatWasFarAhead(t *testing.T) {
	first := step(t, nil, 0, false)
	ahead := step(t, first, 200*time.Hour, false)
	if ahead == first {
		t.Fatal("not renewed")
	}
	s := step(t, ahead, 100*time.Hour, false)
	if now := (world{now: beginning().Add(100 * time.Hour)}); s == ahead || !s.isTrusted(now) {
		t.Error("a certificate that is not valid yet is left")
	}
	if again := step(t, s, 100*time.Hour, false); again != s {
		t.Error("renewed again")
	}
}

// Lifetimes may be others than they were: an older authority outlives the newest, or goes
// before what it has signed.
func TestNextHasTheOlderAuthoritiesThatAreValid(t *testing.T) {
	first := step(t, nil, 0, false)
	short, err := newAuthority(beginning(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := step(t, &state{newest: short, older: first.authorities(), serving: first.serving}, 2*time.Hour, false)
	if len(s.older) != 1 || !s.older[0].Equal(first.newest.cert) {
		t.Errorf("in the place of an expired authority there are %d older ones", len(s.older))
	}
	late := step(t, nil, 290*time.Hour, false)
	late.older = first.authorities()
	if s := step(t, late, 299*time.Hour, true); len(s.older) != 1 {
		t.Error("an older authority went that is needed")
	}
	if s := step(t, late, 300*time.Hour, true); len(s.older) != 0 {
		t.Error("an expired authority stays")
	}
}

func TestAStateIsLookedAtAgain(t *testing.T) {
	l := testLifetimes()
	l.Settle = 3 * time.Hour
	settled := step(t, nil, 0, false)
	settles := &state{newest: step(t, nil, 0, false).newest, serving: settled.serving}
	for _, tt := range []struct {
		s     *state
		since time.Duration // known
		want  time.Duration
	}{
		{settled, 0, time.Hour}, {settles, 0, time.Second}, {settles, time.Minute, time.Hour},
		{settles, 150 * time.Minute, 30 * time.Minute}, {settles, 4 * time.Hour, time.Second},
	} {
		w := world{now: beginning()}
		if tt.since != 0 {
			w.known = w.now.Add(-tt.since)
		}
		if got := l.again(tt.s, w); got != tt.want {
			t.Errorf("known for %s: again after %s, want %s", tt.since, got, tt.want)
		}
	}
}

func TestNoCertificateOutlivesItsAuthority(t *testing.T) {
	l := Lifetimes{Authority: time.Hour, Serving: 2 * time.Hour}
	s, err := l.next(nil, world{now: beginning(), names: []string{serverName}})
	if err != nil || s.serving.cert.NotAfter.After(s.newest.cert.NotAfter) {
		t.Errorf("valid until %s, its authority until %s, %v", s.serving.cert.NotAfter, s.newest.cert.NotAfter, err)
	}
}

func TestStateIsReadAsItWasWritten(t *testing.T) {
	s := step(t, nil, 0, false)
	s.older = step(t, nil, 0, false).authorities()
	data, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.bundle()) != string(s.bundle()) || !got.serving.cert.Equal(s.serving.cert) {
		t.Error("read something else")
	}
	for key := range data {
		damaged := map[string][]byte{}
		for k, v := range data {
			damaged[k] = v
		}
		delete(damaged, key)
		if _, err := decode(damaged); err == nil {
			t.Errorf("read without %s", key)
		}
	}
	data[servingKey] = data[authorityKey]
	if _, err := decode(data); err == nil {
		t.Error("read with another certificate's key")
	}
}
