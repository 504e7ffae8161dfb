package admission

import (
	"fmt"
	"slices"

	"bookend.dev/bookend/cmd/internal/manifest"
	"bookend.dev/bookend/hooks"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Options are what the cluster's administrator chose.
type Options struct {
	// Classes are the runtime classes that run bookend. The first one is set on
	// pods of labelled namespaces. Empty: [DefaultClass].
	Classes []string
	// Config is the configuration of the nodes; nil: the default one.
	Config *hooks.Config
	// PodSecurity holds the levels of namespaces without labels of Pod Security,
	// as the API server's configuration has them; zero: privileged.
	PodSecurity psa.Policy
}

// Admitter decides about pods.
type Admitter struct {
	classes     []string
	config      *hooks.Config
	podSecurity psa.Policy
	hosts       policy.Evaluator
}

// New returns an Admitter. Its error matches [ErrOptions].
func New(o Options) (*Admitter, error) {
	a := &Admitter{classes: slices.Clone(o.Classes), podSecurity: o.PodSecurity}
	if len(a.classes) == 0 {
		a.classes = []string{DefaultClass}
	}
	for _, class := range a.classes {
		if !manifest.IsRuntimeClass(class) {
			return nil, fmt.Errorf("%w: %q is no name of a runtime class", ErrOptions, class)
		}
	}
	a.config = withoutDefault(o.Config)
	for _, level := range []*psa.LevelVersion{&a.podSecurity.Enforce, &a.podSecurity.Audit, &a.podSecurity.Warn} {
		if *level == (psa.LevelVersion{}) {
			*level = psa.LevelVersion{Level: psa.LevelPrivileged, Version: psa.LatestVersion()}
		}
	}
	var err error
	a.hosts, err = policy.NewEvaluator([]policy.Check{policy.CheckHostProbesAndHostLifecycle()}, nil)
	if err != nil {
		return nil, fmt.Errorf("pod security: %w", err)
	}
	return a, nil
}

// withoutDefault is a node's configuration without the preStop that containers
// have by default: what it says is the node's, not the author's.
func withoutDefault(config *hooks.Config) *hooks.Config {
	if config == nil {
		config = hooks.DefaultConfig()
	}
	own := *config
	own.Defaults.PreStop = nil
	return &own
}

// runs tells whether pods of the class run on bookend.
func (a *Admitter) runs(class string) bool { return slices.Contains(a.classes, class) }

// Create decides about a pod that is to be created in a namespace with these
// labels. Its error matches [ErrMalformed].
func (a *Admitter) Create(raw []byte, namespace map[string]string) (*Verdict, error) {
	p, err := readPod(raw)
	if err != nil {
		return nil, err
	}
	v := &Verdict{}
	if p.isForeign() {
		return v, nil
	}
	labelled := namespace[NamespaceLabel] == NamespaceEnabled
	switch class := p.class(); {
	case a.runs(class):
	case labelled && class == "":
		v.patch("add", "/spec/runtimeClassName", a.classes[0])
	case labelled:
		v.warn("spec.runtimeClassName", "is %q, which does not run bookend: the pod is left alone, although its namespace has the label %s=%s",
			class, NamespaceLabel, NamespaceEnabled)
		return v, nil
	default:
		return v, nil
	}
	c := a.newCarrier(p, v)
	c.carry()
	a.securePod(c.hosts, namespace, v)
	return v, nil
}
