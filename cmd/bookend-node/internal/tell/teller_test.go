package tell

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

// cluster is an API server, and a teller that talks to it over HTTP.
type cluster struct {
	*apitest.Server
	t      *testing.T
	teller *Teller
	told   []string
	logged []error
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{Server: apitest.New(), t: t}
	t.Cleanup(c.Close)
	c.AddPod(corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-0", UID: "u", CreationTimestamp: metav1.NewTime(began.Add(-time.Minute))},
		Spec:       corev1.PodSpec{InitContainers: []corev1.Container{{Name: "proxy"}}},
	})
	c.restart()
	return c
}

func (c *cluster) restart() {
	api, err := kubeclient.New(&rest.Config{Host: c.URL, QPS: -1})
	if err != nil {
		c.t.Fatal(err)
	}
	c.teller = New(Options{
		API: api, Node: "n1",
		Log:  func(err error) { c.logged = append(c.logged, err) },
		Told: func(reason string, r Result) { c.told = append(c.told, reason+" "+string(r)) },
	})
}

func (c *cluster) take(facts ...hookfeed.Fact) {
	c.t.Helper()
	for _, f := range facts {
		if err := c.teller.Take(c.t.Context(), f); err != nil && !errors.Is(err, hookfeed.ErrNothing) {
			c.t.Fatal(err)
		}
	}
}

// only is the one event there is.
func (c *cluster) only() corev1.Event {
	c.t.Helper()
	all := c.Events()
	if len(all) != 1 {
		c.t.Fatalf("%d events: %+v", len(all), all)
	}
	return all[0]
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// failure is a hook that failed, with all that must not be told.
func failure(id string, p hooks.Point) hookfeed.Fact {
	code := 3
	f := hookfeed.Fact{Kind: hookfeed.Ended, RunStarted: began}
	f.Record = record.Record{
		ID: id, Hook: p, Handler: hooks.HandlerExec, Attempt: 1, Started: began,
		Subject: record.Subject{Namespace: "k8s.io", Container: "c", Name: "main", Pod: "web-0", PodNamespace: "shop", PodUID: "u"},
	}
	f.End = record.End{Outcome: hooks.Failed, Run: hooks.Failed, Cause: hooks.CauseExitCode, ExitCode: &code, DurationSeconds: 2, Stdout: []byte("secret"), Detail: "secret"}
	return f
}

func TestAFailureIsAnEventAsTheKubelets(t *testing.T) {
	c := newCluster(t)
	c.take(failure("1", hooks.PostStart))
	ev := c.only()
	want := corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: "shop", Name: "web-0", UID: "u", FieldPath: "spec.containers{main}"}
	if ev.InvolvedObject != want || ev.Namespace != "shop" {
		t.Errorf("about %+v", ev.InvolvedObject)
	}
	if ev.Type != "Warning" || ev.Reason != "FailedPostStartHook" || ev.Message != "PostStartHook failed: exec: exit status 3" || ev.Count != 1 {
		t.Errorf("got %+v", ev)
	}
	if at := began.Add(2 * time.Second); !ev.FirstTimestamp.Time.Equal(at) || !ev.LastTimestamp.Time.Equal(at) || ev.Source != (corev1.EventSource{Component: "bookend", Host: "n1"}) {
		t.Errorf("at %s, from %+v", ev.FirstTimestamp, ev.Source)
	}
}

func TestWhatAnEventSays(t *testing.T) {
	with := func(p hooks.Point, change func(*hookfeed.Fact)) hookfeed.Fact {
		f := failure("1", p)
		change(&f)
		return f
	}
	for name, tt := range map[string]struct {
		fact hookfeed.Fact
		want string
	}{
		"preStop": {failure("1", hooks.PreStop), "Warning FailedPreStopHook PreStopHook failed: exec: exit status 3"},
		"signal": {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Cause, f.Signal, f.ExitCode = hooks.CauseSignal, 9, nil }),
			"Warning FailedPreStopHook PreStopHook failed: exec: killed by signal 9 (SIGKILL)"},
		"status": {with(hooks.PostStart, func(f *hookfeed.Fact) {
			f.Handler, f.Cause, f.HTTPStatus, f.ExitCode = hooks.HandlerHTTPGet, hooks.CauseUnexpectedStatus, 503, nil
		}), "Warning FailedPostStartHook PostStartHook failed: httpGet: unexpected status 503"},
		"time ran out between attempts": {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Run = hooks.TimedOut }),
			"Warning FailedPreStopHook PreStopHook failed: exec: timed out"},
		"slow": {with(hooks.PostStart, func(f *hookfeed.Fact) { f.Kind = hookfeed.Slow }),
			"Normal SlowPostStartHook PostStartHook takes longer than 10s: exec"},
		"undelivered": {with("", func(f *hookfeed.Fact) { f.Kind, f.StopSignal, f.End = hookfeed.Undelivered, "SIGTERM", record.End{} }),
			"Warning UndeliveredStopSignal SIGTERM could not be sent to the container; it is sent again"},
		"success":         {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Run, f.Outcome = hooks.Succeeded, hooks.Succeeded }), ""},
		"cancelled":       {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Run = hooks.Cancelled }), ""},
		"not the last":    {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Run = "" }), ""},
		"began":           {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Kind = hookfeed.Began }), ""},
		"not Kubernetes'": {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Pod = "" }), ""},
		"posing as one":   {with(hooks.PreStop, func(f *hookfeed.Fact) { f.Namespace = "moby" }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			err := c.teller.Take(t.Context(), tt.fact)
			var got string
			for _, ev := range c.Events() {
				got += ev.Type + " " + ev.Reason + " " + ev.Message
			}
			if got != tt.want || errors.Is(err, hookfeed.ErrNothing) != (tt.want == "") {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestWhatHappensAgainIsCounted(t *testing.T) {
	c := newCluster(t)
	again := failure("2", hooks.PreStop)
	again.Started, again.DurationSeconds = began.Add(time.Minute), 7
	c.take(failure("1", hooks.PreStop))
	c.restart()
	c.take(failure("1", hooks.PreStop)) // what a feed that was killed gives again
	c.take(again)
	c.restart()
	c.take(again)
	ev := c.only()
	if ev.Count != 2 || !ev.FirstTimestamp.Time.Equal(began.Add(2*time.Second)) || !ev.LastTimestamp.Time.Equal(began.Add(67*time.Second)) {
		t.Errorf("count %d, from %s to %s", ev.Count, ev.FirstTimestamp, ev.LastTimestamp)
	}
	if want := []string{"FailedPreStopHook created", "FailedPreStopHook counted", "FailedPreStopHook counted", "FailedPreStopHook counted"}; !slices.Equal(c.told, want) {
		t.Errorf("told %q", c.told)
	}
	c.Expire()
	c.take(failure("3", hooks.PreStop))
	if ev := c.only(); ev.Count != 1 {
		t.Errorf("count %d of an event that is new", ev.Count)
	}
}

func TestWhatDiffersIsNotCountedTogether(t *testing.T) {
	c := newCluster(t)
	code, signal := failure("2", hooks.PreStop), failure("3", hooks.PreStop)
	four := 4
	code.ExitCode = &four
	signal.Cause = hooks.CauseSignal
	other, pod := failure("4", hooks.PreStop), failure("5", hooks.PreStop)
	other.Name, pod.PodUID = "other", "younger"
	c.take(failure("1", hooks.PreStop), code, signal, other, pod, failure("6", hooks.PostStart))
	if n := len(c.Events()); n != 6 {
		t.Errorf("%d events", n)
	}
}

func TestAnotherWriterIsNotOverwritten(t *testing.T) {
	c := newCluster(t)
	c.take(failure("1", hooks.PreStop))
	other := failure("2", hooks.PreStop)
	meddled := false
	c.Before(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPut && !meddled {
			meddled = true
			c.take(other)
		}
		return nil
	})
	c.take(failure("3", hooks.PreStop))
	if ev := c.only(); ev.Count != 3 {
		t.Errorf("count %d", ev.Count)
	}
}

func TestAnEventThatExpiresMeanwhileIsMadeAnew(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		c := newCluster(t)
		c.take(failure("1", hooks.PreStop))
		c.Before(func(r *http.Request) *apierrors.StatusError {
			if r.Method == method && strings.Contains(r.URL.Path, "/events/") {
				c.Expire()
			}
			return nil
		})
		c.take(failure("2", hooks.PreStop))
		if ev := c.only(); ev.Count != 1 || ev.Annotations[annotationCounted] != "2 ended" {
			t.Errorf("%s: got %+v", method, ev)
		}
	}
}

func TestAnInitContainerHasItsOwnFieldPath(t *testing.T) {
	c := newCluster(t)
	f := failure("1", hooks.PostStart)
	f.Name = "proxy"
	c.take(f)
	if got := c.only().InvolvedObject.FieldPath; got != "spec.initContainers{proxy}" {
		t.Errorf("field path %q", got)
	}
}

func TestAnEventGoesToThePodThatHadTheContainer(t *testing.T) {
	gone, unknown := failure("1", hooks.PreStop), failure("2", hooks.PreStop)
	gone.Pod = "web-1"
	unknown.PodUID = ""
	younger := unknown
	younger.Started = began.Add(-time.Hour)
	for name, tt := range map[string]struct {
		fact hookfeed.Fact
		want string
	}{
		"one that is gone":               {gone, "u"},
		"of an older version's record":   {unknown, "u"},
		"one that is younger than it is": {younger, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.take(tt.fact)
			var got string
			for _, ev := range c.Events() {
				got += string(ev.InvolvedObject.UID)
			}
			if got != tt.want {
				t.Errorf("about %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEventsAboutOnePodAreBounded(t *testing.T) {
	c := newCluster(t)
	for i := range 2 * podBurst {
		f := failure(strings.Repeat("x", i+1), hooks.PreStop)
		f.ExitCode = &i
		c.take(f)
	}
	other := failure("other", hooks.PreStop)
	other.PodUID = "v"
	c.take(other)
	if n := len(c.Events()); n != podBurst+1 {
		t.Errorf("%d events", n)
	}
	if got := c.told[podBurst]; got != "FailedPreStopHook skipped" {
		t.Errorf("told %q", got)
	}
}

func TestWhatTheServerRefusesIsNotSentAgain(t *testing.T) {
	c := newCluster(t)
	events := corev1.Resource("events")
	for name, tt := range map[string]struct {
		err   *apierrors.StatusError
		again bool
	}{
		"quota":       {apierrors.NewForbidden(events, "e", errors.New("exceeded quota")), false},
		"namespace":   {apierrors.NewNotFound(corev1.Resource("namespaces"), "shop"), false},
		"invalid":     {apierrors.NewBadRequest("no"), false},
		"token":       {apierrors.NewUnauthorized("expired"), true},
		"overloaded":  {apierrors.NewTooManyRequestsError("later"), true},
		"starting":    {apierrors.NewServiceUnavailable("starting"), true},
		"broken":      {apierrors.NewInternalError(errors.New("etcd")), true},
		"in conflict": {apierrors.NewConflict(events, "e", errors.New("always")), true},
	} {
		t.Run(name, func(t *testing.T) {
			c.Before(func(r *http.Request) *apierrors.StatusError {
				if r.Method == http.MethodPost {
					return tt.err
				}
				return nil
			})
			c.logged, c.told = nil, nil
			err := c.teller.Take(t.Context(), failure("1", hooks.PreStop))
			if (err != nil) != tt.again || len(c.logged) == 0 != tt.again || slices.Contains(c.told, "FailedPreStopHook rejected") == tt.again {
				t.Errorf("error %v, logged %v, told %q", err, c.logged, c.told)
			}
		})
	}
	c.Before(nil)
	c.Close()
	if err := c.teller.Take(t.Context(), failure("1", hooks.PreStop)); err == nil {
		t.Error("a server that is away has taken it")
	}
}

// A webhook that fails for one namespace must not hold the Events of all others up.
func TestWhatTheServerCannotTakeForLongIsGivenUp(t *testing.T) {
	c := newCluster(t)
	other := failure("3", hooks.PreStop)
	other.PodNamespace = "bank"
	c.Before(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/shop/") {
			return apierrors.NewInternalError(errors.New("failed calling webhook"))
		}
		return nil
	})
	broken := func(id string) error { return c.teller.Take(t.Context(), failure(id, hooks.PreStop)) }
	for range 2 {
		if broken("1") == nil {
			t.Fatal("an Event that was refused a moment ago is not tried again")
		}
	}
	c.teller.stuck["shop"] = time.Now().Add(-giveUpAfter)
	if err := broken("1"); err != nil {
		t.Errorf("it is not given up: %v", err)
	}
	if err := broken("2"); err != nil {
		t.Errorf("the next of the same namespace waits for as long: %v", err)
	}
	c.take(other)
	if want := []string{"FailedPreStopHook rejected", "FailedPreStopHook rejected", "FailedPreStopHook created"}; !slices.Equal(c.told, want) || len(c.logged) != 2 {
		t.Errorf("told %q, logged %v", c.told, c.logged)
	}
	c.Before(nil)
	c.take(failure("4", hooks.PreStop))
	c.Before(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPut {
			return apierrors.NewConflict(corev1.Resource("events"), "e", errors.New("always"))
		}
		return nil
	})
	if broken("5") == nil {
		t.Error("an Event is given up at once, though one of its namespace was taken since")
	}
}

// While nothing can be asked, everything waits.
func TestWhatAServerThatIsAwayDoesNotTakeIsNeverGivenUp(t *testing.T) {
	c := newCluster(t)
	c.teller.stuck["shop"] = time.Now().Add(-2 * giveUpAfter)
	c.Before(func(*http.Request) *apierrors.StatusError { return apierrors.NewInternalError(errors.New("etcd")) })
	if c.teller.Take(t.Context(), failure("1", hooks.PreStop)) == nil {
		t.Error("it is given up")
	}
	c.Before(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPost {
			return apierrors.NewServiceUnavailable("starting")
		}
		return nil
	})
	if c.teller.Take(t.Context(), failure("1", hooks.PreStop)) == nil {
		t.Error("it is given up as soon as the server answers")
	}
}

func TestAPodWithALongNameHasEvents(t *testing.T) {
	f := failure("1", hooks.PreStop)
	for _, end := range []string{".b", "-b", "bb"} {
		f.Pod = strings.Repeat("a", maxName-18) + strings.Repeat(end, 9)
		name := newEvent(notice{}, podRef(f, false), f, "n").Name
		if wrong := validation.IsDNS1123Subdomain(name); wrong != nil {
			t.Errorf("name %q: %s", name, wrong)
		}
	}
}
