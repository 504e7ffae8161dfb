package check

import (
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"
	"k8s.io/apiserver/pkg/cel/environment"

	"bookend.dev/bookend/hooks"
)

// request is one about a pod, as an API server gets it.
type request struct {
	namespace string // and the value of its label
	label     string
	resource  string // with its subresource; pods
	is, was   runtime.Object
	operation admission.Operation
}

func pod(class string, annotations ...string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: pairs(annotations)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web"}}},
	}
	if class != "" {
		p.Spec.RuntimeClassName = &class
	}
	return p
}

func pairs(of []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(of); i += 2 {
		m[of[i]] = of[i+1]
	}
	return m
}

// lively is a pod of class bookend whose container has a lifecycle.
func lively() *corev1.Pod {
	p := pod("bookend")
	p.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{
		PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 1}},
	}
	return p
}

func withClass(p *corev1.Pod, class string) *corev1.Pod {
	p.Spec.RuntimeClassName = &class
	return p
}

// called are the webhooks that an API server calls for a request.
func called(t *testing.T, c *admissionregistrationv1.MutatingWebhookConfiguration, r request) (names []string) {
	t.Helper()
	kind := "Pod"
	resource, subresource := "pods", r.resource
	if subresource == "bindings" {
		resource, subresource = "bindings", ""
	}
	if resource == "bindings" || subresource == "binding" {
		kind = "Binding"
	}
	gvk, gvr := corev1.SchemeGroupVersion.WithKind(kind), corev1.SchemeGroupVersion.WithResource(resource)
	attributes := admission.NewAttributesRecord(r.is, r.was, gvk, r.namespace, "web", gvr, subresource, r.operation, nil, false, nil)
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: gvk}
	versioned.VersionedObject.Set(r.is)
	versioned.VersionedOldObject.Set(r.was)
	of := labels.Set{"kubernetes.io/metadata.name": r.namespace}
	if r.label != "" {
		of["bookend.dev/hooks"] = r.label
	}
	for i := range c.Webhooks {
		w := webhook.NewMutatingWebhookAccessor(c.Webhooks[i].Name, c.Name, &c.Webhooks[i])
		selector, err := w.GetParsedNamespaceSelector()
		if err != nil {
			t.Fatal(err)
		}
		ruled := false
		for _, rule := range c.Webhooks[i].Rules {
			m := rules.Matcher{Rule: rule, Attr: attributes}
			ruled = ruled || m.Matches()
		}
		if !ruled || !selector.Matches(of) {
			continue
		}
		compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
		result := w.GetCompiledMatcher(compiler).Match(t.Context(), versioned, nil, nil)
		if result.Error != nil {
			t.Errorf("%s: %v", w.GetName(), result.Error)
		}
		if result.Matches {
			names = append(names, w.GetName())
		}
	}
	return names
}

// Whoever waits for the webhook fails with it. So every request is here that must be
// asked about, and those that must not.
func TestWebhookIsCalledForWhatItDecides(t *testing.T) {
	const (
		none      = ""
		class     = "class.bookend.dev"
		label     = "namespace.bookend.dev"
		hook      = `{"preStop":{"sleep":{"seconds":1}}}`
		container = hooks.AnnotationPrefix + "web"
	)
	c := into[admissionregistrationv1.MutatingWebhookConfiguration](t, find(t, render(t, values(t, "webhook: {runtimeClasses: [bookend-gpu]}")), "MutatingWebhookConfiguration", "bookend"))
	binding := func(annotations ...string) *corev1.Binding {
		return &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: pairs(annotations)}}
	}
	mirror := pod("bookend", "kubernetes.io/config.mirror", "digest")
	for _, tt := range []struct {
		what     string
		resource string
		is, was  runtime.Object
		plain    string // who is called in a namespace without the label
		labelled string // and in one with it
	}{
		{"a pod of our class", "", pod("bookend"), nil, class, label},
		{"one of another class of ours", "", pod("bookend-gpu"), nil, class, label},
		{"one of another class", "", pod("kata"), nil, none, label},
		{"one without a class", "", pod(""), nil, none, label},
		{"what a kubelet runs from a file", "", mirror, nil, none, none},
		{"a change of a pod that is not about hooks", "", pod("bookend", container, hook, "a", "b"), pod("bookend", container, hook), none, none},
		{"a change of an annotation", "", pod("bookend", container, "{}"), pod("bookend", container, hook), class, label},
		{"a new annotation", "", pod("bookend", container, hook), pod("bookend"), class, label},
		{"an annotation that goes", "", pod("bookend"), pod("bookend", container, hook), class, label},
		{"a change of the annotation of other containers", "", pod("bookend", hooks.AnnotationKey, hook), pod("bookend"), class, label},
		{"a change of who runs a sidecar's preStop", "", pod("bookend", "bookend.dev/sidecar-pre-stop", "bookend"), pod("bookend"), class, label},
		{"a change of an annotation of a pod of another class", "", pod("kata", container, hook), pod("kata"), none, none},
		{"a lifecycle that is there again", "", lively(), pod("bookend", container, hook), class, label},
		{"a lifecycle that stays", "", lively(), lively(), none, none},
		{"a lifecycle of a pod of another class", "", withClass(lively(), "kata"), pod("kata"), none, none},
		{"a status", "status", pod("bookend", container, hook), pod("bookend", container, hook), none, none},
		{"a status with an annotation", "status", pod("bookend", container, hook), pod("bookend"), class, label},
		{"a status of a pod without a class", "status", pod(""), pod(""), none, none},
		{"a resize", "resize", pod("bookend", container, hook), pod("bookend", container, hook), none, none},
		{"a resize with an annotation", "resize", pod("bookend", container, hook), pod("bookend"), class, label},
		{"an ephemeral container", "ephemeralcontainers", pod("bookend", container, hook), pod("bookend", container, hook), class, label},
		{"one of a pod of another class", "ephemeralcontainers", pod("kata"), pod("kata"), none, none},
		{"a scheduler's binding", "binding", binding(), nil, none, none},
		{"a binding with an annotation", "binding", binding(container, hook), nil, class, label},
		{"one of the older path", "bindings", binding(container, hook), nil, class, label},
		{"a binding with an annotation of others", "binding", binding("a", "b"), nil, none, none},
	} {
		operation := admission.Create
		if tt.was != nil {
			operation = admission.Update
		}
		for where, want := range map[request]string{
			{namespace: "shop"}:                          tt.plain,
			{namespace: "shop", label: "disabled"}:       tt.plain,
			{namespace: "shop", label: "enabled"}:        tt.labelled,
			{namespace: "kube-system", label: "enabled"}: none,
			{namespace: "kube-system"}:                   none,
			{namespace: namespace, label: "enabled"}:     none,
			{namespace: namespace}:                       none,
		} {
			where.resource, where.is, where.was, where.operation = tt.resource, tt.is, tt.was, operation
			got := called(t, c, where)
			if len(got) > 1 || len(got) == 1 && got[0] != want || len(got) == 0 && want != none {
				t.Errorf("%s in namespace %s with label %q: %q is called, want %q", tt.what, where.namespace, where.label, got, want)
			}
		}
	}
}
