package selfsigned

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// serve accepts connections with a keeper's certificate.
func serve(t *testing.T, k *Keeper) (address string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: k.GetCertificate, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake() // the client tells
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// connect does what an API server does that trusts the bundle, at a time.
func connect(address string, bundle []byte, now time.Time) (*x509.Certificate, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(bundle)
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: serverName, RootCAs: pool, Time: func() time.Time { return now }})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// Two replicas, one of which is often late, through four generations of
// authorities. The API server is late as well, by less than Settle.
func TestNoConnectionFailsWhileCertificatesAreRenewed(t *testing.T) {
	const (
		pace = 20 * time.Minute
		lag  = 2 // paces by which the API server is late
		most = 9 // paces by which a replica is late: a third of a certificate's life is 12
	)
	now := beginning()
	c, l := newCluster(t), Lifetimes{Authority: 60 * time.Hour, Serving: 12 * time.Hour, Settle: time.Hour}
	clock := func() time.Time { return now }
	prompt, late := c.replica(t, clock, l), c.replica(t, clock, l)
	addresses := []string{serve(t, prompt), serve(t, late)}
	for _, k := range []*Keeper{late, prompt} {
		if _, err := k.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	bundles := [][]byte{c.bundle(t), c.bundle(t), c.bundle(t)}
	since := 0
	serving, authorities := map[string]bool{}, map[string]bool{}
	for now.Before(beginning().Add(3 * l.Authority)) {
		now = now.Add(pace)
		keepers := []*Keeper{prompt}
		if since++; since == most || random.IntN(8) == 0 {
			since = 0
			keepers = append(keepers, late)
			random.Shuffle(len(keepers), func(i, j int) { keepers[i], keepers[j] = keepers[j], keepers[i] })
		}
		for _, k := range keepers {
			if _, err := k.Reconcile(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		bundles = append(bundles[1:], c.bundle(t))
		for i, address := range addresses {
			cert, err := connect(address, bundles[len(bundles)-1-lag], now)
			if err != nil {
				t.Fatalf("replica %d, after %s: %v", i, now.Sub(beginning()), err)
			}
			serving[cert.SerialNumber.String()] = true
			authorities[string(cert.AuthorityKeyId)] = true
		}
	}
	if len(serving) < 20 || len(authorities) < 4 {
		t.Errorf("only %d certificates by %d authorities were seen", len(serving), len(authorities))
	}
	if s := c.secret(t); len(s.older) > 1 {
		t.Errorf("%d older authorities stay", len(s.older))
	}
}

func TestReplicasThatBeginTogetherAgree(t *testing.T) {
	c := newCluster(t)
	var all sync.WaitGroup
	keepers := make([]*Keeper, 4)
	for i := range keepers {
		keepers[i] = c.replica(t, beginning, testLifetimes())
		all.Go(func() {
			if _, err := keepers[i].Reconcile(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want := c.secret(t).serving.cert
	for i, k := range keepers {
		got, err := k.GetCertificate(nil)
		if err != nil || !got.Leaf.Equal(want) {
			t.Errorf("replica %d serves another certificate than the secret's: %v", i, err)
		}
	}
}

func TestAHandshakeBeforeTheFirstCertificateFails(t *testing.T) {
	if _, err := newCluster(t).replica(t, beginning, testLifetimes()).GetCertificate(nil); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutAWebhookConfigurationItServes(t *testing.T) {
	c := newCluster(t)
	if err := c.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(t.Context(), configuration, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	k := c.replica(t, beginning, testLifetimes())
	if _, err := k.Reconcile(t.Context()); err == nil {
		t.Error("said nothing of a configuration that is not there")
	}
	if _, err := k.GetCertificate(nil); err != nil {
		t.Error(err)
	}
}

// A configuration may take an authority long after that was made.
func TestAnAuthoritySettlesFromWhenItIsKnown(t *testing.T) {
	now := beginning()
	c, l := newCluster(t), testLifetimes()
	k := c.replica(t, func() time.Time { return now }, l)
	reconcile := func() (again time.Duration) {
		t.Helper()
		again, err := k.Reconcile(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	reconcile()
	for now = now.Add(10 * time.Hour); len(c.secret(t).older) == 0; now = now.Add(10 * time.Hour) {
		c.refuses = now.Sub(beginning()) >= 200*time.Hour
		if _, err := k.Reconcile(t.Context()); err != nil && !c.refuses {
			t.Fatal(err)
		}
	}
	if !c.refuses {
		t.Fatal("the authority was replaced too early")
	}
	c.refuses = false
	now = now.Add(2 * l.Settle)
	reconcile() // publishes it
	if again := reconcile(); c.secret(t).isNewest() || again != l.Settle {
		t.Errorf("signs at once: %t, looks again in %s", c.secret(t).isNewest(), again)
	}
	now = now.Add(l.Settle - time.Second)
	if reconcile(); c.secret(t).isNewest() {
		t.Error("signs before it has settled")
	}
	now = now.Add(time.Second)
	if reconcile(); !c.secret(t).isNewest() {
		t.Error("does not sign when it has settled")
	}
}

func TestAClockThatIsBehindTakesANewCertificate(t *testing.T) {
	c := newCluster(t)
	k := c.replica(t, beginning, testLifetimes())
	if _, err := k.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(serve(t, k), c.bundle(t), beginning().Add(-59*time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestANamespaceThatIsNotThereIsToldOf(t *testing.T) {
	c, asked := newCluster(t), 0
	c.PrependReactor("create", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		if asked++; asked > 1 {
			return true, nil, errors.New("asked again at once")
		}
		return true, nil, apierrors.NewNotFound(corev1.Resource("namespaces"), namespace)
	})
	if _, err := c.replica(t, beginning, testLifetimes()).Reconcile(t.Context()); !apierrors.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

// run runs a keeper for the length of the test.
func run(t *testing.T, k *Keeper) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// await polls, as there is no event for what a server serves.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s never came", what)
		}
	}
}

func TestRunFollowsWhatOthersDo(t *testing.T) {
	c := newCluster(t)
	k := c.replica(t, beginning, testLifetimes())
	run(t, k)
	address := serve(t, k)
	trusted := func() bool {
		_, err := connect(address, c.bundle(t), beginning())
		return err == nil
	}
	await(t, "the first certificate", trusted)

	before := c.secret(t).serving.cert
	if err := c.CoreV1().Secrets(namespace).Delete(t.Context(), secretName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "a certificate in the place of a deleted one", func() bool {
		cert, err := connect(address, c.bundle(t), beginning())
		return err == nil && !cert.Equal(before)
	})

	all := c.AdmissionregistrationV1().MutatingWebhookConfigurations()
	for range 2 { // what came before may have it look once more
		found, err := all.Get(t.Context(), configuration, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found.Webhooks[0].ClientConfig.CABundle = nil
		found.Webhooks[1].ClientConfig.CABundle = nil
		if _, err := all.Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		await(t, "the bundle that an upgrade removed", trusted)
	}
}
