package tell

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/lru"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
)

const (
	// callTime bounds one call of the API server.
	callTime = 15 * time.Second
	// podBurst and podPause bound the Events about one pod, as the kubelet does.
	podBurst = 25
	podPause = 5 * time.Minute
	// podsKnown is of how many pods the rate is kept: more than a node runs.
	podsKnown = 1024
	// giveUpAfter is how long the Events of a namespace are tried again that the API
	// server, which answers, does not take.
	giveUpAfter = 10 * time.Minute
)

// Result is what became of an Event.
type Result string

// Every result there is.
const (
	Created  Result = "created"
	Counted  Result = "counted"  // in one that was there
	Skipped  Result = "skipped"  // there were too many about its pod
	Rejected Result = "rejected" // by the API server, or given up
)

// Results returns all there are.
func Results() []Result { return []Result{Created, Counted, Skipped, Rejected} }

// Options are what a teller is made of.
type Options struct {
	API  *kubeclient.Client
	Node string // the node's name
	// Log is told of what the API server refused.
	Log func(error)
	// Told is told what became of each Event.
	Told func(reason string, r Result)
}

// Teller makes Events.
type Teller struct {
	Options
	rates *lru.Cache           // of a *rate.Limiter, by the pod's UID
	stuck map[string]time.Time // since when no Event is taken, by namespace
}

// New returns a teller.
func New(o Options) *Teller {
	return &Teller{Options: o, rates: lru.New(podsKnown), stuck: map[string]time.Time{}}
}

// Take is a [hookfeed.Take]. Its error is that the API server cannot be asked now.
func (t *Teller) Take(ctx context.Context, f hookfeed.Fact) error {
	n, ok := noticeOf(f)
	if !ok || !f.IsPods() {
		return hookfeed.ErrNothing
	}
	limit := t.rateOf(f)
	if limit.Tokens() < 1 {
		t.Told(n.reason, Skipped)
		return nil
	}
	result, err := t.tell(ctx, n, f)
	switch {
	case err == nil:
		delete(t.stuck, f.PodNamespace)
	case isRejection(err), t.isStuck(f.PodNamespace, err):
		t.Log(fmt.Errorf("event %s of pod %s/%s: %w", n.reason, f.PodNamespace, f.Pod, err))
		result = Rejected
	default:
		return fmt.Errorf("event %s: %w", n.reason, err)
	}
	limit.Allow()
	t.Told(n.reason, result)
	return nil
}

func (t *Teller) rateOf(f hookfeed.Fact) *rate.Limiter {
	key := f.PodNamespace + "/" + f.Pod + "/" + f.PodUID
	if l, ok := t.rates.Get(key); ok {
		return l.(*rate.Limiter)
	}
	l := rate.NewLimiter(rate.Every(podPause), podBurst)
	t.rates.Add(key, l)
	return l
}

func (t *Teller) tell(ctx context.Context, n notice, f hookfeed.Fact) (Result, error) {
	ctx, stop := context.WithTimeout(ctx, callTime)
	defer stop()
	ref, err := t.refOf(ctx, f)
	if err != nil {
		return "", err
	}
	event, result := newEvent(n, ref, f, t.Node), Counted
	events := t.API.Events(ref.Namespace)
	// Another agent may count in the same Event for a moment, while this one takes over.
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		_, err := events.Create(ctx, event, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			result = Created
			return err
		}
		result = Counted
		there, err := events.Get(ctx, event.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) { // it has expired meanwhile
			return apierrors.NewConflict(corev1.Resource("events"), event.Name, err)
		}
		if err != nil || isCounted(there, f) {
			return err
		}
		count(there, n, f)
		_, err = events.Update(ctx, there, metav1.UpdateOptions{})
		if apierrors.IsNotFound(err) {
			err = apierrors.NewConflict(corev1.Resource("events"), event.Name, err)
		}
		return err
	})
	if err != nil {
		return "", &unwrittenError{err}
	}
	return result, nil
}

// unwrittenError says that the API server has answered about the pod, and has not
// taken the Event.
type unwrittenError struct{ err error }

func (e *unwrittenError) Error() string { return e.err.Error() }
func (e *unwrittenError) Unwrap() error { return e.err }

// isStuck tells whether an error has lasted for long that a namespace may have to
// itself: a webhook that fails, a limit of Events, someone who always writes first.
// The feed would wait behind it with the Events of all other namespaces.
func (t *Teller) isStuck(namespace string, err error) bool {
	var unwritten *unwrittenError
	if !errors.As(err, &unwritten) {
		delete(t.stuck, namespace) // the API server does not answer: all have to wait
		return false
	}
	since, known := t.stuck[namespace]
	if !known {
		t.stuck[namespace] = time.Now()
	}
	return known && time.Since(since) >= giveUpAfter
}

// refOf refers to the container of a fact. A pod that is gone has Events still; of
// a record without UID, which an older version wrote, it must be there.
func (t *Teller) refOf(ctx context.Context, f hookfeed.Fact) (corev1.ObjectReference, error) {
	ref := podRef(f, false)
	ref.UID = types.UID(f.PodUID)
	pod, err := t.API.Pods(f.PodNamespace).Get(ctx, f.Pod, metav1.GetOptions{})
	switch {
	case f.PodUID != "" && (apierrors.IsNotFound(err) || apierrors.IsForbidden(err)):
		return ref, nil
	case err != nil:
		return ref, err
	case f.PodUID == "" && !pod.CreationTimestamp.After(f.Started):
		ref.UID = pod.UID
	case f.PodUID == "":
		return ref, apierrors.NewNotFound(corev1.Resource("pods"), f.Pod) // another of that name
	}
	if isInit := pod.UID == ref.UID && hasInit(pod, f.Name); isInit {
		ref.FieldPath = podRef(f, true).FieldPath
	}
	return ref, nil
}

func hasInit(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return true
		}
	}
	return false
}

// isRejection tells of an error that the API server has decided, and decides again
// when it is asked again: the namespace is gone or ends, a quota is reached, this
// agent may not.
func isRejection(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch code := status.Status().Code; code {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return false
	default:
		return code >= 400 && code < 500
	}
}
