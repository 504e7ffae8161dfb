package check

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// violations is what Pod Security finds at a level.
func violations(t *testing.T, level psa.Level, spec *corev1.PodSpec) string {
	t.Helper()
	e, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range e.EvaluatePod(psa.LevelVersion{Level: level, Version: psa.LatestVersion()}, &metav1.ObjectMeta{}, spec) {
		if !r.Allowed {
			all = append(all, r.ForbiddenReason)
		}
	}
	return strings.Join(all, ", ")
}

func TestPodsHaveNoMoreRightsThanTheyNeed(t *testing.T) {
	for name, v := range variants(t) {
		all := render(t, v)
		for _, o := range all {
			switch o.name() {
			case "Deployment/bookend-webhook", "Job/bookend-uninstall":
				part := strings.TrimPrefix(o.GetName(), "bookend-")
				if got := violations(t, psa.LevelRestricted, podSpec(t, all, part)); got != "" {
					t.Errorf("%s: the pods of %s are not restricted: %s", name, part, got)
				}
			}
		}
	}
	want := map[string]string{
		"agent: {install: {enabled: false}}": "host namespaces, hostPath volumes",
		"":                                   "host namespaces, hostPath volumes, privileged",
	}
	for v, want := range want {
		if got := violations(t, psa.LevelBaseline, podSpec(t, render(t, values(t, v)), "agent")); got != want {
			t.Errorf("%q: an agent's pod has %q beyond baseline, want %q", v, got, want)
		}
	}
}

// The label of the namespace is for these pods.
func TestNamespaceAllowsTheAgents(t *testing.T) {
	all := render(t, values(t, "namespace: {create: true}"))
	labels := find(t, all, "Namespace", namespace).GetLabels()
	if got := violations(t, psa.Level(labels[psa.EnforceLevelLabel]), podSpec(t, all, "agent")); got != "" || labels[psa.EnforceLevelLabel] == "" {
		t.Errorf("labels %v: %s", labels, got)
	}
}

// An authority's key stays with the webhook, which needs no file of it.
func TestNoPodMountsAnAuthoritysKey(t *testing.T) {
	for name, v := range variants(t) {
		all := render(t, v)
		for _, o := range all {
			part, ok := map[string]string{"DaemonSet": "agent", "Deployment": "webhook", "Job": "uninstall"}[o.GetKind()]
			if !ok {
				continue
			}
			for _, volume := range podSpec(t, all, part).Volumes {
				if volume.Secret == nil {
					continue
				}
				if len(volume.Secret.Items) == 0 {
					t.Errorf("%s: %s mounts all of %s", name, o.name(), volume.Secret.SecretName)
				}
				for _, item := range volume.Secret.Items {
					if item.Key == "ca.key" {
						t.Errorf("%s: %s mounts the authority's key", name, o.name())
					}
				}
			}
		}
	}
}

// A drain or an update leaves a replica that answers.
func TestWebhookStaysThere(t *testing.T) {
	all := render(t, nil)
	d := into[appsv1.Deployment](t, find(t, all, "Deployment", "bookend-webhook"))
	if *d.Spec.Replicas < 2 || d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("%d replicas, strategy %v", *d.Spec.Replicas, d.Spec.Strategy)
	}
	spec := d.Spec.Template.Spec
	pause := spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds
	const shutdown = 30 // shutdownTimeout of the webhook's server, in seconds
	if *spec.TerminationGracePeriodSeconds <= pause+shutdown {
		t.Errorf("a replica that ends has %d s, and pauses for %d", *spec.TerminationGracePeriodSeconds, pause)
	}
	for _, c := range spec.TopologySpreadConstraints {
		if c.WhenUnsatisfiable != corev1.ScheduleAnyway {
			t.Errorf("on one node no replica would run: %v", c)
		}
	}
}

// An update halts at the first nodes whose containerd an agent has restarted in vain: a
// kubelet says within 40 s that its node is not Ready.
func TestAnUpdateHaltsAtNodesThatAreHarmed(t *testing.T) {
	for v, want := range map[string]int32{"": 60, "agent: {install: {enabled: false}}": 0} {
		d := into[appsv1.DaemonSet](t, find(t, render(t, values(t, v)), "DaemonSet", "bookend-agent"))
		if got := d.Spec.MinReadySeconds; got != want || d.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.String() != "10%" {
			t.Errorf("%q: an agent is to be Ready for %d s, want %d; strategy %v", v, got, want, d.Spec.UpdateStrategy)
		}
	}
}
