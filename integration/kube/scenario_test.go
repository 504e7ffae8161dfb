package kube

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// scenario is a pod with a plain lifecycle and what is done with it. It is run by the
// kubelet's own hooks, and by bookend.
type scenario struct {
	name string
	// edit changes a pod whose container main is polite.
	edit func(*corev1.Pod)
	// act is what is done with the pod, until it has ended or is being deleted.
	act func(*run)
	// apart says that containers run beside each other: the trace is compared for each
	// alone. Its words are CONTAINER:WORD.
	apart bool
	// job makes it the pod of a Job.
	job bool
	// differs has the reason for each aspect that is not the same.
	differs map[aspect]string
}

// id is the name as names of pods are.
func (s scenario) id() string {
	words := strings.FieldsFunc(strings.ToLower(s.name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

func (s scenario) inOrder(words []string) []string {
	if s.apart {
		slices.SortStableFunc(words, func(a, b string) int {
			a, _, _ = strings.Cut(a, ":")
			b, _, _ = strings.Cut(b, ":")
			return strings.Compare(a, b)
		})
	}
	return words
}

// edits makes one edit of several.
func edits(all ...func(*corev1.Pod)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		for _, edit := range all {
			edit(pod)
		}
	}
}

// hooks gives main handlers; nil: none.
func hooks(postStart, preStop *corev1.LifecycleHandler) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: postStart, PreStop: preStop}
	}
}

// runs has main run a script.
func runs(script string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Containers[0].Command = []string{"sh", "-c", script} }
}

func grace(seconds int64) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.TerminationGracePeriodSeconds = &seconds }
}

func restart(policy corev1.RestartPolicy) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.RestartPolicy = policy }
}

// never and onFailure are the policies but for the default.
var (
	never     = restart(corev1.RestartPolicyNever)
	onFailure = restart(corev1.RestartPolicyOnFailure)
)

// shell is an exec handler of a script.
func shell(script string) *corev1.LifecycleHandler { return command("sh", "-c", script) }

func command(args ...string) *corev1.LifecycleHandler {
	return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: args}}
}

func sleep(seconds int64) *corev1.LifecycleHandler {
	return &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: seconds}}
}

// Entrypoints. The first two write to the FIFO main when they handle signals.
var (
	// heard is polite, and says when it is.
	heard = "trap '" + note("term") + "; exit 0' TERM; echo up > /fifo/main; " + forever
	// deaf notes SIGTERM and goes on.
	deaf = "trap '" + note("term") + "' TERM; echo up > /fifo/main; " + forever
)

// at is a script that says where it is and waits to be let on.
func at(place string) string {
	return note(place) + "; echo up > /fifo/" + place + "; cat /fifo/" + place + "-go"
}

// failing is a script that fails the first times it runs.
func failing(times int) string {
	count := "[ $(grep -c x /fifo/tries) -gt " + string(rune('0'+times)) + " ]"
	return "echo x >> /fifo/tries; " + count
}

// deleted is the usual act.
func deleted(r *run) {
	r.up()
	r.delete()
}
