package criconfig

import (
	"path"
	"slices"
)

// need is a pattern of annotations that bookend must be handed, and a key of
// it, to try other patterns on.
type need struct{ pattern, example, without string }

// Needs of the hooks, in both lists, and of the kubelet's own annotations,
// which are the container's alone.
func hookNeeds() []need {
	return []need{
		{"bookend.dev/*", "bookend.dev/lifecycle", "bookend.dev/lifecycle in a pod is ignored instead of refused"},
		{"lifecycle.bookend.dev/*", "lifecycle.bookend.dev/a", "no hooks run, and nothing says so"},
	}
}

func kubeletNeeds() []need {
	return []need{
		{"io.kubernetes.pod.terminationGracePeriod", "io.kubernetes.pod.terminationGracePeriod", "preStop is not bounded by the pod's grace period"},
		{"io.kubernetes.container.ports", "io.kubernetes.container.ports", "a named httpGet.port is refused"},
	}
}

// PodAnnotations are the patterns that bookend needs in pod_annotations.
func PodAnnotations() []string { return patterns(hookNeeds()) }

// ContainerAnnotations are those that it needs in container_annotations.
func ContainerAnnotations() []string { return patterns(append(hookNeeds(), kubeletNeeds()...)) }

func patterns(needs []need) []string {
	out := make([]string, len(needs))
	for i, n := range needs {
		out[i] = n.pattern
	}
	return out
}

// Gap is a pattern that a list lacks.
type Gap struct {
	List    string // "pod_annotations" or "container_annotations"
	Pattern string
	Without string // what comes of it
	// Fatal says that there are no hooks without it.
	Fatal bool
}

// Gaps are the patterns that the runtime's lists lack; others that match the
// same keys do as well.
func (r Runtime) Gaps() []Gap {
	var gaps []Gap
	add := func(list string, have []string, needs []need) {
		for _, n := range needs {
			if !slices.ContainsFunc(have, func(p string) bool { return matches(p, n.example) }) {
				gaps = append(gaps, Gap{List: list, Pattern: n.pattern, Without: n.without, Fatal: n.pattern == "lifecycle.bookend.dev/*"})
			}
		}
	}
	add("pod_annotations", r.PodAnnotations, hookNeeds())
	add("container_annotations", r.ContainerAnnotations, append(hookNeeds(), kubeletNeeds()...))
	return gaps
}

// matches is how containerd compares: a * ends at a slash.
func matches(pattern, key string) bool {
	ok, err := path.Match(pattern, key)
	return ok && err == nil
}
