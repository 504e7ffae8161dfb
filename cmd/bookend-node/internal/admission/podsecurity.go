package admission

import (
	"fmt"

	"bookend.dev/bookend/hooks"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// host is one that a hook in an annotation names.
type host struct {
	container string
	path      string
	name      string
}

// noteHosts notes the hosts that a container's hooks name.
func (c *carrier) noteHosts(one *container, l *hooks.Lifecycle) {
	if l == nil {
		return
	}
	for _, h := range []*hooks.Hook{l.PostStart, l.PreStop} {
		if h != nil && h.HTTPGet != nil && h.HTTPGet.Host != "" {
			path := fmt.Sprintf("%s.%s.%s.host", annotationPath(keyOf(one)), h.Point, hooks.HandlerHTTPGet)
			c.hosts = append(c.hosts, host{container: one.Name, path: path, name: h.HTTPGet.Host})
		}
	}
}

// securePod applies to hosts in annotations what Pod Security says of those in a
// lifecycle: its own plugin, which comes after this webhook, sees no annotation.
func (a *Admitter) securePod(hosts []host, namespace map[string]string, v *Verdict) {
	if len(hosts) == 0 || v.Refused != "" {
		return
	}
	levels, _ := psa.PolicyToEvaluate(namespace, a.podSecurity) // what is invalid counts as restricted, as to the plugin
	spec := &corev1.PodSpec{}
	for _, h := range hosts {
		spec.Containers = append(spec.Containers, corev1.Container{Name: h.container, Lifecycle: &corev1.Lifecycle{
			PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: h.name}},
		}})
	}
	if why, forbidden := a.forbids(levels.Enforce, spec); forbidden {
		v.refuse(hosts[0].path, why)
		return
	}
	if why, forbidden := a.forbids(levels.Warn, spec); forbidden {
		v.warn(hosts[0].path, "%s", why)
	}
}

// forbids asks Pod Security's check.
func (a *Admitter) forbids(level psa.LevelVersion, spec *corev1.PodSpec) (why string, forbidden bool) {
	result := policy.AggregateCheckResults(a.hosts.EvaluatePod(level, &metav1.ObjectMeta{}, spec))
	return fmt.Sprintf("violates PodSecurity %q: %s", level.String(), result.ForbiddenDetail()), !result.Allowed
}
