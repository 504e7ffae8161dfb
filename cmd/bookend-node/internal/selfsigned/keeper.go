package selfsigned

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Options are what a Keeper keeps, and where.
type Options struct {
	Client    kubernetes.Interface
	Namespace string
	Secret    string
	// Names are those of the server that certificates are for.
	Names   []string
	Targets []Target
	// Lifetimes: zero: [DefaultLifetimes].
	Lifetimes Lifetimes
	// Now is the clock; nil: the machine's.
	Now func() time.Time
	Log *slog.Logger
}

// Keeper keeps the certificate of one replica.
type Keeper struct {
	o       Options
	current atomic.Pointer[tls.Certificate]

	// The authority that was seen in all targets, and when first. Of Reconcile's.
	seen  *x509.Certificate
	since time.Time
}

// New returns a Keeper that has no certificate yet.
func New(o Options) *Keeper {
	if o.Lifetimes == (Lifetimes{}) {
		o.Lifetimes = DefaultLifetimes()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Keeper{o: o}
}

// GetCertificate is for [tls.Config]. Its error is [ErrNone].
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := k.current.Load(); c != nil {
		return c, nil
	}
	return nil, ErrNone
}

// Reconcile does what is due now. It returns after how long there may be more to
// do, if nothing changes before.
func (k *Keeper) Reconcile(ctx context.Context) (again time.Duration, err error) {
	for {
		again, err := k.once(ctx)
		if !errors.Is(err, errLost) {
			return again, err
		}
	}
}

func (k *Keeper) once(ctx context.Context) (time.Duration, error) {
	secret, old, err := k.load(ctx)
	if err != nil {
		return 0, err
	}
	w := world{now: k.o.Now(), names: k.o.Names}
	if old != nil {
		if w.known, err = k.knownSince(ctx, old.newest.cert, w.now); err != nil {
			k.o.Log.Warn("cannot look where the certificate's authority must be known", "error", err)
		}
	}
	s, err := k.o.Lifetimes.next(old, w)
	if err != nil {
		return 0, err
	}
	if s != old {
		if err := k.save(ctx, secret, s); err != nil {
			return 0, err
		}
	}
	// Whoever connects must know the authority before it sees the certificate.
	err = k.publish(ctx, s)
	k.current.Store(s.certificate())
	return k.o.Lifetimes.again(s, w), err
}

// load reads the Secret; nil: there is none, or nothing of use in it.
func (k *Keeper) load(ctx context.Context) (*corev1.Secret, *state, error) {
	secret, err := k.o.Client.CoreV1().Secrets(k.o.Namespace).Get(ctx, k.o.Secret, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("secret: %w", err)
	}
	s, err := decode(secret.Data)
	if err != nil {
		k.o.Log.Warn("the secret holds no certificate", "secret", k.o.Secret, "error", err)
		return secret, nil, nil
	}
	return secret, s, nil
}

// save writes the Secret, unless another replica has done so since it was loaded.
func (k *Keeper) save(ctx context.Context, old *corev1.Secret, s *state) error {
	data, err := s.encode()
	if err != nil {
		return err
	}
	secrets := k.o.Client.CoreV1().Secrets(k.o.Namespace)
	lost := apierrors.IsAlreadyExists
	if old == nil {
		_, err = secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: k.o.Secret, Namespace: k.o.Namespace},
			Type:       corev1.SecretTypeTLS, Data: data,
		}, metav1.CreateOptions{})
	} else {
		changed := old.DeepCopy()
		if changed.Data == nil {
			changed.Data = map[string][]byte{}
		}
		maps.Copy(changed.Data, data)
		_, err = secrets.Update(ctx, changed, metav1.UpdateOptions{})
		lost = func(err error) bool { return apierrors.IsConflict(err) || apierrors.IsNotFound(err) }
	}
	switch {
	case lost(err): // not where there is no namespace to create it in
		return errLost
	case err != nil:
		return fmt.Errorf("secret: %w", err)
	}
	k.o.Log.Info("wrote certificates", "secret", k.o.Secret, "serving", s.serving.cert.NotAfter, "authority", s.newest.cert.NotAfter)
	return nil
}

// knownSince tells since when, as far as this replica has seen, the authority is
// known wherever it must be; zero: it is not. The certificate's own date does not
// tell: it may have been made long before a configuration took it.
func (k *Keeper) knownSince(ctx context.Context, authority *x509.Certificate, now time.Time) (time.Time, error) {
	for _, t := range k.o.Targets {
		if trusts, err := t.Trusts(ctx, authority); err != nil || !trusts {
			k.seen = nil
			return time.Time{}, err
		}
	}
	if k.seen == nil || !k.seen.Equal(authority) {
		k.seen, k.since = authority, now
	}
	return k.since, nil
}

func (k *Keeper) publish(ctx context.Context, s *state) error {
	var errs []error
	for _, t := range k.o.Targets {
		errs = append(errs, t.Trust(ctx, s.bundle()))
	}
	return errors.Join(errs...)
}
