package manifest

import (
	"strings"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// cri checks a container or pod configuration as crictl takes it.
func (r *reporter) cri(root *yaml.Node, o Options) {
	r.Objects++
	name := text(field(root, "metadata"), "name")
	sandbox := isSandbox(root)
	all := annotationsOf(root)
	for _, e := range mergedEntries(field(root, "annotations")) {
		path := keyPath("annotations", e.key.Value)
		of, ours := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		switch {
		case e.key.Value == hooks.AnnotationKey:
			r.add(Error, e.key.Line, path, "does not apply to a container of a pod: use %s and the name of a container", hooks.AnnotationPrefix)
		case !ours && seemsOurs(e.key.Value):
			r.unknown(e, path, forItsContainer)
		case !ours || !r.isString(e, path):
		case sandbox:
			v := r.newValue(e, path)
			annotations := forContainer(of, v.text)
			annotations[ports] = assumedPorts(&v)
			r.limits(&v, r.resolve(&v, annotations, o), limits{})
		case of != name:
			r.add(Warning, e.key.Line, path, "has no effect here: the container's name is %q", name)
		default:
			v := r.newValue(e, path)
			v.terminal = isTrue(root, "tty")
			annotations := forContainer(of, v.text)
			for _, key := range []string{ports, gracePeriod} {
				if text, ok := all[key]; ok {
					annotations[key] = text
				}
			}
			r.limits(&v, r.resolve(&v, annotations, o), limits{})
		}
	}
}

// isSandbox tells a pod's configuration from a container's.
func isSandbox(root *yaml.Node) bool {
	metadata := field(root, "metadata")
	for _, name := range []string{"uid", "namespace"} {
		if field(metadata, name) != nil {
			return true
		}
	}
	for _, name := range []string{"hostname", "log_directory", "dns_config", "port_mappings"} {
		if field(root, name) != nil {
			return true
		}
	}
	return false
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
func (r *reporter) spec(root *yaml.Node, o Options) {
	r.Objects++
	all := annotationsOf(root)
	inPod := all[containerType] != ""
	for _, e := range mergedEntries(field(root, "annotations")) {
		path := keyPath("annotations", e.key.Value)
		name, forPod := strings.CutPrefix(e.key.Value, hooks.AnnotationPrefix)
		known := forPod || e.key.Value == hooks.AnnotationKey
		switch {
		case !known && seemsOurs(e.key.Value):
			r.unknown(e, path, hooks.AnnotationKey+", or in a pod "+forItsContainer)
		case !known, !r.isString(e, path):
		case forPod && !inPod:
			r.add(Warning, e.key.Line, path, "has no effect here: a container that is not CRI's reads %s", hooks.AnnotationKey)
		case forPod && name != all[containerName]: // that of another container of the pod
		default:
			v := r.newValue(e, path)
			v.terminal = isTrue(field(root, "process"), "terminal")
			r.limits(&v, r.resolve(&v, all, o), limits{})
		}
	}
}
