package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/integration/harness"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// plain is a pod as its author writes it: without annotations, of a class or, where
// that is empty, of none.
func (s *space) plain(name, class, script string, edit func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: s.podSpec(class, script)}
	if class == "" {
		pod.Spec.RuntimeClassName = nil
	}
	edit(pod)
	return pod
}

// wantMoved checks that the kubelet is left no hook of the pod's containers.
func (s *space) wantMoved(pod *corev1.Pod) {
	s.t.Helper()
	for _, c := range pod.Spec.Containers {
		if c.Lifecycle != nil || pod.Annotations[harness.LifecyclePrefix+c.Name] == "" {
			s.t.Errorf("container %s of %s has the lifecycle %v and the annotations %v", c.Name, pod.Name, c.Lifecycle, pod.Annotations)
		}
	}
	if class := pod.Spec.RuntimeClassName; class == nil || *class != harness.Bookend {
		s.t.Errorf("%s has the class %v", pod.Name, class)
	}
}

// wantRuns waits until bookend's records of the pod have these hooks with these
// outcomes, and no others.
func (s *space) wantRuns(pod string, want ...string) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the records of "+pod, func() error {
		if got := s.runs(pod); !slices.Equal(got, want) {
			return fmt.Errorf("they are %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// runs tells what bookend has recorded of a pod's hooks, in the order in which they
// began.
func (s *space) runs(pod string) []string {
	s.t.Helper()
	records, _, err := record.Open(s.Daemon.RecordsDir(), record.Limits{}).List()
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, r := range records {
		if r.PodNamespace == s.name && r.Pod == pod {
			got = append(got, fmt.Sprintf("%s %s", r.Hook, r.Outcome))
		}
	}
	return got
}

func TestAPlainLifecycleIsRunByBookend(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.plain("web", harness.Bookend, polite, hooks(shell(note("post")), shell(note("pre")))))
	pod := s.await("web", "the pod to be ready", ready)
	s.wantMoved(pod)
	if got := *pod.Spec.TerminationGracePeriodSeconds; got != 30 {
		t.Errorf("the pod's grace period has become %d s", got)
	}
	s.remove("web")
	if got, want := s.trace(), []string{"post", "pre", "term"}; !slices.Equal(got, want) {
		t.Errorf("trace %q, want %q", got, want)
	}
	s.wantRuns("web", "postStart Succeeded", "preStop Succeeded")
}

// enable labels the namespace, and waits until the API server and the webhook know.
func (s *space) enable() {
	s.t.Helper()
	s.kubectl("label", "namespace", s.name, "bookend.dev/hooks=enabled")
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "the label to be known", func() error {
		pod, err := s.tryOut(s.plain("labelled", "", polite, hooks(sleep(0), nil)))
		if err == nil && pod.Spec.RuntimeClassName == nil {
			err = errors.New("a pod has got no class")
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// tryOut is a dry run of the creation of a pod.
func (s *space) tryOut(pod *corev1.Pod) (*corev1.Pod, error) {
	return s.CoreV1().Pods(s.name).Create(s.t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// warnings are what the API server says beside its answers.
type warnings struct {
	mu   sync.Mutex
	said []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, text)
}

func TestPodsOfALabelledNamespaceGetTheClass(t *testing.T) {
	s := newHookedSpace(t)
	s.enable()
	said := &warnings{}
	config := s.Config()
	config.WarningHandler = said
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	noting := hooks(shell(noteHost("post")), shell(noteHost("pre")))
	script := "trap '" + noteHost("term") + "; exit 0' TERM; " + forever
	for name, class := range map[string]string{"web": "", "other": harness.Runc} {
		if _, err := client.CoreV1().Pods(s.name).Create(t.Context(), s.plain(name, class, script, noting), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(said.said) != 1 || !strings.HasPrefix(said.said[0], "spec.runtimeClassName: ") {
		t.Errorf("the API server warned %q, want one about a class", said.said)
	}
	s.wantMoved(s.await("web", "web to be ready", ready))
	if other := s.await("other", "other to be ready", ready); other.Spec.Containers[0].Lifecycle == nil {
		t.Error("the lifecycle of a pod of another class has moved")
	}
	for _, name := range []string{"web", "other"} {
		s.kubectl("delete", "pod", name, "--wait=false")
	}
	s.wantEnded([]string{"web", "other"})
	s.wantRuns("web", "postStart Succeeded", "preStop Succeeded")
	s.wantRuns("other")
}

func TestALifecycleJoinsAnAnnotation(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.pod(`postStart: {output: container, exec: {command: [echo, hello]}}`, polite, hooks(nil, shell(note("pre")))))
	s.wantMoved(s.await("web", "the pod to be ready", ready))
	s.wantLogs("[postStart] hello\n")
	s.remove("web")
	if got, want := s.trace(), []string{"pre", "term"}; !slices.Equal(got, want) {
		t.Errorf("trace %q, want %q", got, want)
	}
	s.wantRuns("web", "postStart Succeeded", "preStop Succeeded")
}

func TestASidecarsPreStopStaysWithTheKubelet(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.plain("web", harness.Bookend, politely("main"), edits(
		hooks(shell(note("main:post")), shell(note("main:pre"))),
		first("beside", politely("beside"), sidecar(shell(note("beside:post")), shell(note("beside:pre")))),
	)))
	pod := s.await("web", "the pod to be ready", ready)
	s.wantMoved(pod)
	if l := pod.Spec.InitContainers[0].Lifecycle; l == nil || l.PostStart != nil || l.PreStop == nil {
		t.Errorf("the sidecar's lifecycle is %v", l)
	}
	s.remove("web")
	got, want := s.trace(), []string{"beside:post", "beside:pre", "beside:term", "main:post", "main:pre", "main:term"}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("trace %q, want %q", got, want)
	}
	s.wantRuns("web", "postStart Succeeded", "postStart Succeeded", "preStop Succeeded") // the last is main's
}

func TestAnInvalidAnnotationIsRefusedWithItsPath(t *testing.T) {
	s := newHookedSpace(t)
	const own = "metadata.annotations[lifecycle.bookend.dev/main]"
	for _, c := range []struct{ key, value, want string }{
		{harness.PodLifecycleKey, "preStop: {sleep: {seconds: -3}}", own + ".preStop.sleep.seconds: "},
		{harness.PodLifecycleKey, "preStop: {sleep: {seconds: 1}, exec: {command: [a]}}", own + ".preStop: "},
		{harness.PodLifecycleKey, "postStart: {tcpSocket: {port: 80}}", own + ".postStart.tcpSocket: "},
		{harness.PodLifecycleKey, "preStart: {}", own + ".preStart: "},
		{harness.LifecycleKey, "preStop: {sleep: {seconds: 3}}", "metadata.annotations[bookend.dev/lifecycle]: "},
	} {
		pod := s.plain("web", harness.Bookend, polite, func(*corev1.Pod) {})
		pod.Annotations = map[string]string{c.key: c.value}
		_, err := s.CoreV1().Pods(s.name).Create(t.Context(), pod, metav1.CreateOptions{})
		if err == nil || !strings.Contains(err.Error(), "denied the request: "+c.want) {
			t.Errorf("%s: %s: %v, want a refusal at %s", c.key, c.value, err, c.want)
		}
	}
}

func TestAnnotationsOfAPodCannotBeChanged(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.plain("web", harness.Bookend, polite, hooks(nil, sleep(0))))
	before := s.await("web", "the pod to be ready", ready).Annotations[harness.PodLifecycleKey]
	pods := s.CoreV1().Pods(s.name)
	patch := func(key, value string, subresource ...string) error {
		text := fmt.Appendf(nil, `{"metadata": {"annotations": {%q: %q}}}`, key, value)
		_, err := pods.Patch(t.Context(), "web", types.StrategicMergePatchType, text, metav1.PatchOptions{}, subresource...)
		return err
	}
	for _, subresource := range [][]string{nil, {"status"}, {"resize"}, {"ephemeralcontainers"}} {
		for _, key := range []string{harness.PodLifecycleKey, harness.LifecyclePrefix + "other", "bookend.dev/sidecar-pre-stop"} {
			err := patch(key, "preStop: {sleep: {seconds: 9}}", subresource...)
			if err == nil || !strings.Contains(err.Error(), "metadata.annotations["+key+"]: must not change") {
				t.Errorf("%s through %q: %v, want a refusal", key, subresource, err)
			}
		}
	}
	for _, subresource := range [][]string{nil, {"status"}} {
		if err := patch("example.com/any", fmt.Sprint(subresource), subresource...); err != nil {
			t.Errorf("an annotation of someone else through %q: %v", subresource, err)
		}
	}
	pod, err := pods.Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || pod.Annotations[harness.PodLifecycleKey] != before {
		t.Errorf("the annotation is %q, was %q: %v", pod.Annotations[harness.PodLifecycleKey], before, err)
	}
}

func TestABindingHasNoHooks(t *testing.T) {
	s := newHookedSpace(t)
	s.create(s.plain("web", harness.Bookend, polite, func(pod *corev1.Pod) { pod.Spec.SchedulerName = "none" }))
	binding := &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: map[string]string{harness.PodLifecycleKey: "preStop: {sleep: {seconds: 9}}"}},
		Target:     corev1.ObjectReference{Kind: "Node", Name: NodeName},
	}
	err := s.CoreV1().Pods(s.name).Bind(t.Context(), binding, metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "must not be in a Binding") {
		t.Errorf("a binding with an annotation: %v, want a refusal", err)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	s := newHookedSpace(t)
	secrets, configurations := s.CoreV1().Secrets(bookendNamespace), s.AdmissionregistrationV1().MutatingWebhookConfigurations()
	versions := func() (seen [2]string) {
		secret, err := secrets.Get(t.Context(), "bookend-webhook-certificates", metav1.GetOptions{})
		configuration, failed := configurations.Get(t.Context(), "bookend", metav1.GetOptions{})
		if err := errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		return [2]string{secret.ResourceVersion, configuration.ResourceVersion}
	}
	before := versions()
	pod, err := s.tryOut(s.plain("web", harness.Bookend, polite, hooks(nil, shell(note("pre")))))
	if err != nil {
		t.Fatal(err)
	}
	s.wantMoved(pod)
	if _, err := s.CoreV1().Pods(s.name).Get(t.Context(), "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("after a dry run: %v, want no such pod", err)
	}
	if after := versions(); after != before {
		t.Errorf("the webhook's objects have the versions %q, had %q", after, before)
	}
}

func TestTheWebhookChangesNothingTwice(t *testing.T) {
	s := newHookedSpace(t)
	written := s.pod(`postStart: {output: container, exec: {command: [echo, hello]}}`, polite, edits(
		hooks(nil, shell(note("pre"))), first("beside", politely("beside"), sidecar(sleep(0), sleep(0)))))
	once, err := s.tryOut(written)
	if err != nil {
		t.Fatal(err)
	}
	s.wantMoved(once)
	again, err := s.tryOut(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: once.Annotations}, Spec: once.Spec})
	if err != nil {
		t.Fatal(err)
	}
	if !apiequality.Semantic.DeepEqual(once.Annotations, again.Annotations) || !apiequality.Semantic.DeepEqual(once.Spec, again.Spec) {
		t.Errorf("it was %+v\n%+v, and became %+v\n%+v", once.Annotations, once.Spec, again.Annotations, again.Spec)
	}
}

// uid is that of a pod which is there.
func (s *space) uid(pod string) types.UID {
	s.t.Helper()
	found, err := s.CoreV1().Pods(s.name).Get(context.Background(), pod, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return found.UID
}
