package selfsigned

import (
	"crypto/x509"
	"slices"
	"time"
)

// Lifetimes are how long certificates are valid, and wait for each other.
type Lifetimes struct {
	Authority time.Duration
	Serving   time.Duration
	// Settle is how long an authority is in the webhook configurations before a
	// certificate by it is served: all API servers must have seen it.
	Settle time.Duration
}

// DefaultLifetimes are those of a cluster.
func DefaultLifetimes() Lifetimes {
	const day = 24 * time.Hour
	return Lifetimes{Authority: 5 * 365 * day, Serving: 90 * day, Settle: 10 * time.Minute}
}

// world is what the decision depends on beside the state.
type world struct {
	now   time.Time
	names []string  // that the certificate is for
	known time.Time // since when the newest authority is in all webhook configurations; zero: it is not
}

// next returns the state that is to follow old, which is old itself if nothing is
// due; old may be nil.
func (l Lifetimes) next(old *state, w world) (*state, error) {
	if old == nil || !w.now.Before(old.newest.cert.NotAfter) {
		return l.begin(old, w)
	}
	s := *old
	switch {
	case !s.isNewest() && (l.settled(w) || !s.isTrusted(w)),
		s.isNewest() && !s.isTrusted(w) && !w.now.Before(s.newest.cert.NotBefore), // a new one is valid now
		s.isNewest() && (!w.now.Before(due(s.serving.cert)) || !slices.Equal(s.serving.cert.DNSNames, w.names)):
		return l.renew(&s, w)
	case s.isNewest() && !w.now.Before(due(s.newest.cert)):
		newest, err := newAuthority(w.now, l.Authority)
		if err != nil {
			return nil, err
		}
		s.newest, s.older = newest, s.authorities()
		return &s, nil
	}
	if needed := l.needed(&s, w.now); len(needed) < len(s.older) {
		s.older = needed
		return &s, nil
	}
	return old, nil
}

// begin makes everything anew. Authorities that were there stay as long as they
// are needed.
func (l Lifetimes) begin(old *state, w world) (*state, error) {
	newest, err := newAuthority(w.now, l.Authority)
	if err != nil {
		return nil, err
	}
	s := &state{newest: newest}
	if old != nil {
		s.older = slices.DeleteFunc(old.authorities(), func(c *x509.Certificate) bool { return !w.now.Before(c.NotAfter) })
	}
	return l.renew(s, w)
}

// renew makes a serving certificate.
func (l Lifetimes) renew(s *state, w world) (*state, error) {
	var err error
	s.serving, err = newServing(w.now, l.Serving, w.names, s.newest)
	return s, err
}

// settled tells whether every API server knows the newest authority.
func (l Lifetimes) settled(w world) bool {
	return !w.known.IsZero() && !w.now.Before(w.known.Add(l.Settle))
}

// isTrusted tells whether the serving certificate is one that an API server takes.
func (s *state) isTrusted(w world) bool {
	pool := x509.NewCertPool()
	for _, c := range s.authorities() {
		pool.AddCert(c)
	}
	_, err := s.serving.cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: w.now})
	return err == nil
}

// needed are the older authorities that may have signed what a replica serves
// still. They sign nothing once there is a newer one.
func (l Lifetimes) needed(s *state, now time.Time) []*x509.Certificate {
	over := s.isNewest() && !now.Before(made(s.newest.cert).Add(l.Serving))
	return slices.DeleteFunc(slices.Clone(s.older), func(c *x509.Certificate) bool { return over || !now.Before(c.NotAfter) })
}

// again is how long a state may be left alone, if nothing happens.
func (l Lifetimes) again(s *state, w world) time.Duration {
	const most, least = time.Hour, time.Second
	switch {
	case s.isNewest():
		return most
	case w.known.IsZero(): // it has been published by now
		return least
	}
	return min(most, max(least, w.known.Add(l.Settle).Sub(w.now)))
}
