package criconfig

import (
	"path"
	"slices"

	"bookend.dev/bookend/hooks"
)

// need is a pattern of annotations that bookend must be handed, and a key of
// it, to try other patterns on.
type need struct{ pattern, example, without string }

// podNeeds are what a pod's annotations are needed for. containerd hands what
// pod_annotations lists to the pod's containers as well, so that these patterns
// are all that the hooks of pods need.
func podNeeds() []need {
	return []need{
		{keyPattern, hooks.AnnotationKey, hooks.AnnotationKey + " in a pod is ignored instead of refused"},
		{hooksPattern, hooks.AnnotationPrefix + "a", "no hooks run, and nothing says so"},
	}
}

// containerNeeds are what the annotations of the request for a container are
// needed for: crictl's, and the kubelet's own.
func containerNeeds() []need {
	return []need{
		{keyPattern, hooks.AnnotationKey, hooks.AnnotationKey + " in a container's own request is ignored instead of refused"},
		{hooksPattern, hooks.AnnotationPrefix + "a", "hooks in a container's own request, such as crictl's, do not run"},
		{hooks.AnnotationGracePeriod, hooks.AnnotationGracePeriod, "preStop is not bounded by the pod's grace period"},
		{hooks.AnnotationPorts, hooks.AnnotationPorts, "a named httpGet.port is refused"},
	}
}

// Patterns that match hooks.AnnotationKey, and all that begin with
// hooks.AnnotationPrefix.
var (
	keyPattern   = path.Dir(hooks.AnnotationKey) + "/*"
	hooksPattern = hooks.AnnotationPrefix + "*"
)

// withNeeds returns patterns with those that are needed before them.
func withNeeds(needs []need, patterns []string) []string {
	var all []string
	for _, n := range needs {
		all = append(all, n.pattern)
	}
	for _, p := range patterns {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// Names of the lists.
const (
	PodList       = "pod_annotations"
	ContainerList = "container_annotations"
)

// Gap is a pattern that a list lacks.
type Gap struct {
	List    string // PodList or ContainerList
	Pattern string
	Without string // what happens without it
	// Fatal says that pods have no hooks without it.
	Fatal bool
}

// Gaps are the patterns that the runtime's lists lack; others that match the
// same keys do as well.
func (r Runtime) Gaps() []Gap {
	var gaps []Gap
	add := func(list string, have []string, needs []need) {
		for _, n := range needs {
			if !slices.ContainsFunc(have, func(p string) bool { return matches(p, n.example) }) {
				gaps = append(gaps, Gap{List: list, Pattern: n.pattern, Without: n.without, Fatal: list == PodList && n.pattern == hooksPattern})
			}
		}
	}
	add(PodList, r.PodAnnotations, podNeeds())
	add(ContainerList, r.ContainerAnnotations, containerNeeds())
	return gaps
}

// matches is how containerd compares: a * ends at a slash.
func matches(pattern, key string) bool {
	ok, err := path.Match(pattern, key)
	return ok && err == nil
}
