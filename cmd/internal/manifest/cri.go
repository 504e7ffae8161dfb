package manifest

import (
	"bookend.dev/bookend/cmd/internal/kubelet"
	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// cri checks a container or pod configuration as crictl takes it.
func (r *reporter) cri(root *yaml.Node) {
	r.Objects++
	name := text(field(root, "metadata"), "name")
	sandbox := isSandbox(root)
	all := annotationsOf(root)
	r.annotations(mergedEntries(field(root, "annotations")), "annotations", forItsContainer, func(e entry, path, of string) {
		if e.key.Value == hooks.AnnotationKey {
			r.add(Error, e.key.Line, path, "does not apply to a container of a pod: use %s and the name of a container", hooks.AnnotationPrefix)
			return
		}
		v := r.value(e, path)
		if v == nil {
			return
		}
		annotations := kubelet.ForContainer(of, v.text)
		switch {
		case sandbox:
			annotations.SetPorts(assumedPorts(v))
		case of != name:
			r.add(Warning, e.key.Line, path, "has no effect here: the container's name is %q", name)
			return
		default:
			v.terminal = isTrue(root, "tty")
			for _, key := range []string{hooks.AnnotationPorts, hooks.AnnotationGracePeriod} {
				if text, ok := all[key]; ok {
					annotations[key] = text
				}
			}
		}
		r.check(v, annotations, limits{})
	})
}

// isSandbox tells a pod's configuration from a container's.
func isSandbox(root *yaml.Node) bool {
	return hasField(field(root, "metadata"), "uid", "namespace") ||
		hasField(root, "hostname", "log_directory", "dns_config", "port_mappings")
}

// annotationsOf returns the annotations of a CRI configuration or an OCI spec.
func annotationsOf(root *yaml.Node) map[string]string {
	all := map[string]string{}
	for _, e := range mergedEntries(field(root, "annotations")) {
		if v := follow(e.value); v.Kind == yaml.ScalarNode {
			all[e.key.Value] = v.Value
		}
	}
	return all
}

// spec checks an OCI spec, whose annotations are what the shim reads.
func (r *reporter) spec(root *yaml.Node) {
	r.Objects++
	all := annotationsOf(root)
	inPod := all[hooks.AnnotationContainerType] != ""
	use := hooks.AnnotationKey + ", or in a pod " + forItsContainer
	r.annotations(mergedEntries(field(root, "annotations")), "annotations", use, func(e entry, path, name string) {
		forPod := e.key.Value != hooks.AnnotationKey
		v := r.value(e, path)
		switch {
		case v == nil:
		case forPod && !inPod:
			r.add(Warning, e.key.Line, path, "has no effect here: a container that is not CRI's reads %s", hooks.AnnotationKey)
		case forPod && name != all[hooks.AnnotationContainerName]: // that of another container of the pod
		default:
			v.terminal = isTrue(field(root, "process"), "terminal")
			r.check(v, all, limits{})
		}
	})
}
