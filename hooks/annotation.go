package hooks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MayHaveHooks tells, without looking at the node's configuration, whether a
// container with these OCI annotations could have hooks at all. A pod sandbox
// never has; any other container may, by the node's defaults.
func MayHaveHooks(annotations map[string]string) bool {
	return annotations[AnnotationContainerType] != ContainerTypeSandbox
}

// Resolve returns the lifecycle of the container with the given OCI
// annotations: its own annotation over the node's defaults, within the node's
// policy. It returns nil without an error for a container that is to run as
// without bookend: no hook, no stopSignal.
//
// load returns the node's configuration, nil standing for [DefaultConfig]. It
// is called at most once, and not for a pod sandbox.
//
// Errors come in two kinds. An [*InvalidError] is the container's: Create must
// fail with it. An error that matches [ErrConfig] is the node's: load failed,
// and the container has no annotation that asks for hooks. It runs as without
// bookend, and the error goes to the log. No error is of both kinds. Where load
// failed the text of an InvalidError does not say why: that is for the log.
func Resolve(annotations map[string]string, load func() (*Config, error)) (*Lifecycle, error) {
	if !MayHaveHooks(annotations) {
		return nil, nil
	}
	key, err := annotationFor(annotations)
	if err != nil {
		return nil, err
	}
	cfg, err := load()
	switch {
	case err != nil && key != "":
		return nil, &InvalidError{Source: "annotation " + key, Message: unusableConfig, Err: err}
	case err != nil:
		// Not wrapped: it may be an InvalidError, which is for containers.
		return nil, fmt.Errorf("%w: %s", ErrConfig, err.Error())
	case cfg == nil:
		cfg = DefaultConfig()
	}
	var w written
	if key != "" {
		if w, err = parse(annotations, key, &cfg.Policy); err != nil {
			return nil, err
		}
	}
	return cfg.apply(w, annotations)
}

// unusableConfig is all that a container's author learns of a configuration that
// is not theirs.
const unusableConfig = "cannot be applied, the node's configuration is invalid; the node's log says why"

// annotationFor returns the key of the annotation that speaks to the container,
// "" where no annotation does.
func annotationFor(annotations map[string]string) (string, error) {
	key := AnnotationKey
	_, plain := annotations[AnnotationKey]
	if annotations[AnnotationContainerType] == ContainerTypeContainer {
		name := annotations[AnnotationContainerName]
		key = AnnotationPrefix + name
		if plain {
			return "", &InvalidError{
				Source:  "annotation " + AnnotationKey,
				Message: "does not apply to a container of a pod: use the annotation " + key,
			}
		}
	}
	if _, ok := annotations[key]; !ok {
		return "", nil
	}
	return key, nil
}

// parse reads the Lifecycle object of the annotation named key.
func parse(annotations map[string]string, key string, policy *Policy) (written, error) {
	source := "annotation " + key
	v, err := parseDocument(annotations[key])
	if err != nil {
		return written{}, inSource(err, source)
	}
	g := grammar{policy: policy, namedPort: namedPort(annotations)}
	w, err := g.lifecycle(v)
	return w, inSource(err, source)
}

// apply puts the node's defaults under what the container's author wrote.
func (c *Config) apply(w written, annotations map[string]string) (*Lifecycle, error) {
	l := &Lifecycle{
		PostStart:   w.postStart.withTimeout(c.timeout(PostStart)),
		PreStop:     w.preStop.withTimeout(c.timeout(PreStop)),
		StopSignals: stopSignalSet(w.stopSignals, w.stopSignal),
		StopSignal:  w.stopSignal,
		GracePeriod: w.gracePeriod,
	}
	if !w.preStopSet {
		l.PreStop = c.Defaults.PreStop
	}
	if l.PostStart == nil && l.PreStop == nil && l.StopSignal == 0 {
		return nil, nil
	}
	if l.GracePeriod == nil {
		var err error
		if l.GracePeriod, err = kubeletGracePeriod(annotations); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// withTimeout gives a hook whose author set no timeout the node's.
func (h *Hook) withTimeout(d time.Duration) *Hook {
	if h != nil && h.Timeout == timeoutUnset {
		h.Timeout = d
	}
	return h
}

// kubeletGracePeriod reads what the kubelet recorded of the Pod's
// terminationGracePeriodSeconds; nil where it did not or was not passed
// through. A negative one means one second, as to the kubelet.
func kubeletGracePeriod(annotations map[string]string) (*time.Duration, error) {
	text, ok := annotations[AnnotationGracePeriod]
	if !ok {
		return nil, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, &InvalidError{Source: "annotation " + AnnotationGracePeriod, Message: "must be a number of seconds, got " + quote(text), Err: err}
	}
	if n < 0 {
		n = 1
	}
	d := secondsOf(n)
	return &d, nil
}
