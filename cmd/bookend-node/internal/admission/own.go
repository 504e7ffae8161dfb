package admission

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/kubelet"
	"bookend.dev/bookend/hooks"
)

// own is the annotation of one container.
type own struct {
	text      string // "": there is none
	document  *document
	lifecycle *hooks.Lifecycle // nil: no hook
}

// checkKeys refuses annotations that no container reads, and warns of those whose
// container is not among the names.
func (c *carrier) checkKeys(names map[string]bool) {
	for _, key := range slices.Sorted(maps.Keys(c.annotations)) {
		name, forContainer := strings.CutPrefix(key, hooks.AnnotationPrefix)
		switch value := c.annotations[key]; {
		case key == hooks.AnnotationKey:
			c.verdict.refuse(annotationPath(key), "does not apply to a pod: use "+hooks.AnnotationPrefix+" and the name of a container")
		case key == SidecarAnnotation && value != SidecarKubelet && value != SidecarBookend:
			c.verdict.refuse(annotationPath(key), fmt.Sprintf("must be %s or %s, got %q", SidecarKubelet, SidecarBookend, value))
		case key == SidecarAnnotation:
			c.sidecars = value
		case forContainer && !names[name]:
			c.verdict.warn(annotationPath(key), "the pod has no container %q", name)
		}
	}
}

// own reads the annotation of a container. Its error is an [*hooks.InvalidError].
func (c *carrier) own(one *container) (*own, error) {
	text, ok := c.annotations[keyOf(one)]
	if !ok {
		return &own{}, nil
	}
	lifecycle, err := c.resolve(one, text)
	if err != nil {
		return nil, err
	}
	document, err := readDocument(text)
	if err != nil {
		return nil, &hooks.InvalidError{Source: "annotation " + keyOf(one), Message: err.Error(), Err: err}
	}
	return &own{text: text, document: document, lifecycle: lifecycle}, nil
}

// resolve asks the shim's own code what a container with this annotation gets.
func (c *carrier) resolve(one *container, text string) (*hooks.Lifecycle, error) {
	annotations := kubelet.ForContainer(one.Name, text)
	annotations.SetPorts(one.Ports)
	if seconds, known := c.grace(); known {
		annotations.SetGracePeriod(seconds)
	}
	lifecycle, err := hooks.Resolve(annotations, func() (*hooks.Config, error) { return c.config, nil })
	if err == nil && one.TTY {
		err = lifecycle.RefuseTerminal(annotations)
	}
	return lifecycle, err
}

// placeOf returns the path and message of an error about a container's annotation.
func placeOf(err error, one *container) (path, message string) {
	path = annotationPath(keyOf(one))
	var invalid *hooks.InvalidError
	if !errors.As(err, &invalid) {
		return path, err.Error()
	}
	if invalid.Path != "" {
		path += "." + invalid.Path
	}
	return path, invalid.Message
}
