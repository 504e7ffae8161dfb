package policy

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/internal/kubelet"
	"bookend.dev/bookend/hooks"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"
)

func newPod(class string, annotations map[string]string, ephemeral ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}
	if class != "" {
		p.Spec.RuntimeClassName = &class
	}
	p.Spec.Containers = []corev1.Container{{Name: "web", Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 80}}}}
	p.Spec.InitContainers = []corev1.Container{{Name: "setup"}}
	for _, name := range ephemeral {
		p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: name},
		})
	}
	return p
}

// node is what a node says of an annotation.
func node(text string) error {
	annotations := kubelet.ForContainer("web", text)
	annotations.SetPorts([]kubelet.Port{{Name: "admin", ContainerPort: 80}})
	_, err := hooks.Resolve(annotations, func() (*hooks.Config, error) { return hooks.DefaultConfig(), nil })
	return err
}

func TestThePolicyDecidesAsANode(t *testing.T) {
	const (
		both      = "refused by both"
		accepted  = "accepted by both"
		nodeAlone = "refused by the node alone" // what CEL cannot see
	)
	v := compile(t, policies(t)["bookend-pods"])
	for name, c := range map[string]struct{ text, want string }{
		"a sleep":                         {"preStop: {sleep: {seconds: 5}}", accepted},
		"a sleep in JSON":                 {`{"preStop":{"sleep":{"seconds":5}},"terminationGracePeriodSeconds":30}`, accepted},
		"no default":                      {"preStop: null", accepted},
		"no default in JSON":              {`{"preStop":null}`, accepted},
		"in block style":                  {"postStart:\n  exec:\n    command:\n    - /bin/sh\n    - -c\n    - echo ready\n  retries: 3\n", accepted},
		"everything":                      {"postStart:\n  exec:\n    command: [/bin/sh, -c, date]\n    env:\n    - name: MODE\n      value: warm-up\n    workingDir: /srv\n  timeoutSeconds: 30\n  retries: 3\n  output: container\n  failurePolicy: Ignore\npreStop:\n  httpGet:\n    port: 8080\n    host: 127.0.0.1\n    path: /drain?soft=1\n    scheme: HTTPS\n    protocol: HTTP1\n    httpHeaders:\n    - name: Authorization\n      value: Basic YTpi\n    expectStatus: 200-299,304\nstopSignal: SIGUSR1\nstopSignals: [SIGTERM, SIGRTMIN+3, SIGUSR1]\nterminationGracePeriodSeconds: 60\n", accepted},
		"a URL":                           {"preStop:\n  exec:\n    command:\n    - curl\n    - http://localhost:80/a\n", accepted},
		"a port's name":                   {"preStop: {httpGet: {port: admin}}", accepted},
		"what looks like keys, in a text": {`{"preStop":{"exec":{"command":["sh","-c","echo {\"tcpSocket\":-1},{\"seconds\":-1}, x: y"]}}}`, accepted},
		"the same in a YAML text":         {"preStop: {exec: {command: [sh, -c, 'echo {\"tcpSocket\":-1}, tcpSocket: 1']}}", accepted},
		"the same in a block scalar":      {"preStop:\n  exec:\n    command:\n    - |\n      tcpSocket: 1\n      seconds: -1\n", accepted},
		"the same in a comment":           {"# tcpSocket: -1\npreStop: {sleep: {seconds: 5}} # seconds: -1\n", accepted},
		"the same in a comment of JSON":   {"{\"preStop\": {\"sleep\": {\"seconds\": 5}}} # {\"seconds\": -1}", accepted},
		"a comma and a colon":             {`{"preStop":{"exec":{"command":["tr",",",":"]}}}`, accepted},
		"a brace, then a colon":           {`{"preStop":{"exec":{"command":["printf","{",": %s"]}},"stopSignal":"SIGUSR1"}`, accepted},
		"the same, in YAML with quotes":   {`{preStop: {exec: {command: ["tr", ",", ":"]}}}`, accepted},
		"an escape in a key":              {`{"pre\u0053top":{"sleep":{"\u0073econds":5}}}`, accepted},
		"an escape before a quote":        {`{"preStop":{"exec":{"command":["\\",":","\"x",":","a\\\"",":"]}}}`, accepted},
		"literals":                        {`{"preStop":null,"postStart":{"sleep":{"seconds":0}, "retries": 3 },"terminationGracePeriodSeconds":null}`, accepted},
		"many headers":                    {`{"preStop":{"httpGet":{"port":80,"httpHeaders":[{"name":"X-A","value":"1"}` + strings.Repeat(`,{"name":"X-A","value":"1"}`, 2200) + `]}}}`, accepted},
		"many variables":                  {"preStop:\n  exec:\n    command: [a]\n    env:\n" + strings.Repeat("    - name: A\n      value: b\n", 2000), accepted},
		"minus zero":                      {"preStop: {sleep: {seconds: -0}}", accepted},
		"nearly too long":                 {"preStop: {exec: {command: [" + strings.Repeat("x", 65000) + "]}}", accepted},
		"many strings":                    {`{"preStop":{"exec":{"command":["a"` + strings.Repeat(`,"b"`, 10000) + `]}}}`, accepted},

		"nothing":                  {"", both},
		"white space":              {" \n", both},
		"a list":                   {"- preStop", both},
		"a list in JSON":           {`["preStop"]`, both},
		"too long":                 {"preStop: {exec: {command: [" + strings.Repeat("x", 66000) + "]}}", both},
		"too many bytes":           {"preStop: {exec: {command: [" + strings.Repeat("ü", 33000) + "]}}", both},
		"tcpSocket":                {"preStop: {tcpSocket: {port: 80}}", both},
		"tcpSocket in JSON":        {`{"preStop": {"tcpSocket": {"port": 80}}}`, both},
		"a misspelt hook":          {"prestop: {sleep: {seconds: 5}}", both},
		"a misspelt hook in JSON":  {`{"prestop":{"sleep":{"seconds":5}}}`, both},
		"a misspelt field":         {"preStop:\n  sleep:\n    second: 5\n", both},
		"a misspelt field in JSON": {`{"preStop":{"sleep":{"second":5}}}`, both},
		"a dash":                   {"pre-stop: {sleep: {seconds: 5}}", both},
		"a negative sleep":         {"preStop: {sleep: {seconds: -3}}", both},
		"a negative sleep in JSON": {`{"preStop":{"sleep":{"seconds": -3}}}`, both},
		"negative retries":         {"postStart:\n  sleep: {seconds: 1}\n  retries: -1\n", both},
		"a negative grace period":  {"preStop: {sleep: {seconds: 1}}\nterminationGracePeriodSeconds: -1\n", both},
		"no handler":               {"preStop: {}", both},
		"no handler in JSON":       {`{"postStart": { }}`, both},

		"a misspelt field after a colon":     {`{"preStop":{"exec":{"command":["tr",",",":"]},"retry":1}}`, both},
		"a misspelt field and a number sign": {`{"preStop":{"exec":{"command":["echo","# it's"]},"retry":1}}`, both},
		"a negative sleep and an apostrophe": {`{"postStart":{"exec":{"command":["echo","it's #1"]}},"preStop":{"sleep":{"seconds":-3}}}`, both},
		"a misspelt field after quotes":      {`{"preStop":{"exec":{"command":["echo \"x\""]},"retry":1}}`, both},
		"a misspelt field in quotes":         {`preStop: {"sleep": {"second": 5}}`, nodeAlone},
		"a negative sleep and comment":       {"preStop: {sleep: {seconds: -3}} # three\n", nodeAlone},
		"two handlers":                       {"preStop: {sleep: {seconds: 3}, exec: {command: [a]}}", nodeAlone},
		"no command":                         {"preStop: {exec: {command: []}}", nodeAlone},
		"another type":                       {"preStop: {sleep: {seconds: soon}}", nodeAlone},
		"a field in a wrong place":           {"preStop: {seconds: 3}", nodeAlone},
		"no YAML":                            {"preStop: {", nodeAlone},
		"another host":                       {"preStop: {httpGet: {port: 80, host: 10.0.0.1}}", nodeAlone},
		"a word":                             {"preStop", nodeAlone},
		"a key twice":                        {"preStop: null\npreStop: null\n", nodeAlone},
	} {
		t.Run(name, func(t *testing.T) {
			byPolicy := decide(t, v, "Pod", "", newPod("bookend", map[string]string{"lifecycle.bookend.dev/web": c.text}), nil)
			byNode := node(c.text)
			got := accepted
			switch {
			case byPolicy != nil && byNode != nil:
				got = both
			case byNode != nil:
				got = nodeAlone
			case byPolicy != nil:
				got = "refused by the policy alone"
			}
			if got != c.want {
				t.Errorf("%s, want %s: policy %q, node %v", got, c.want, byPolicy, byNode)
			}
			for _, message := range byPolicy {
				if !strings.HasPrefix(message, "metadata.annotations[lifecycle.bookend.dev/web]: ") {
					t.Errorf("the message does not name the annotation: %s", message)
				}
			}
		})
	}
}

// The most that an API server takes of annotations. Its budget for expressions must
// do for what a node would accept.
func TestThePolicyReadsAllThatAPodMayHave(t *testing.T) {
	v := compile(t, policies(t)["bookend-pods"])
	json := `{"preStop":{"httpGet":{"port":80,"httpHeaders":[{"name":"A"}` + strings.Repeat(`,{"name":"A"}`, 4900) + `]}}}` // a key in 13 bytes
	plain := "preStop:\n  exec:\n    command: [a]\n    env:\n" + strings.Repeat("    - name: A\n", 4500)
	for name, text := range map[string]string{"JSON": json, "YAML": plain} {
		t.Run(name, func(t *testing.T) {
			if err := node(text); err != nil {
				t.Fatal(err)
			}
			for _, containers := range []int{1, 2, 3, 4} {
				p := newPod("bookend", map[string]string{})
				for i := range containers {
					one := "more" + strconv.Itoa(i)
					p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: one})
					p.Annotations["lifecycle.bookend.dev/"+one] = text
				}
				if refused := decide(t, v, "Pod", "", p, nil); refused != nil {
					t.Errorf("%d containers: refused: %.200q", containers, refused)
				}
			}
		})
	}
}

func TestThePolicyOnPods(t *testing.T) {
	v := compile(t, policies(t)["bookend-pods"])
	const (
		wrong   = "preStop: {}"
		right   = "preStop: {sleep: {seconds: 5}}"
		web     = "lifecycle.bookend.dev/web"
		debug   = "lifecycle.bookend.dev/debug"
		sidecar = "bookend.dev/sidecar-pre-stop"
	)
	type annotations = map[string]string
	windows := newPod("bookend", annotations{web: wrong})
	windows.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
	linux := newPod("bookend", annotations{web: wrong})
	linux.Spec.OS = &corev1.PodOS{Name: corev1.Linux}
	for name, c := range map[string]struct {
		is, was     *corev1.Pod
		subresource string
		refused     string // part of it; "": it is not
	}{
		"no annotations":                   {is: newPod("bookend", nil)},
		"another class":                    {is: newPod("gvisor", annotations{web: wrong})},
		"no class":                         {is: newPod("", annotations{web: wrong})},
		"of an init container":             {is: newPod("bookend", annotations{"lifecycle.bookend.dev/setup": wrong}), refused: "without a handler"},
		"of no container":                  {is: newPod("bookend", annotations{debug: wrong})},
		"a mirror pod":                     {is: newPod("bookend", annotations{web: wrong, "kubernetes.io/config.mirror": "5a"})},
		"a pod of Windows":                 {is: windows},
		"a pod of Linux":                   {is: linux, refused: "without a handler"},
		"the key for containers elsewhere": {is: newPod("bookend", annotations{"bookend.dev/lifecycle": right}), refused: "does not apply to a pod"},
		"a choice for sidecars":            {is: newPod("bookend", annotations{sidecar: "bookend"})},
		"a wrong choice for sidecars":      {is: newPod("bookend", annotations{sidecar: "both"}), refused: "must be kubelet or bookend"},
		"a change":                         {is: newPod("bookend", annotations{web: right}), was: newPod("bookend", annotations{web: "preStop: null"}), refused: "must not change"},
		"a change by the status":           {is: newPod("bookend", annotations{web: right}), was: newPod("bookend", nil), subresource: "status", refused: "must not change"},
		"a removal":                        {is: newPod("bookend", nil), was: newPod("bookend", annotations{sidecar: "bookend"}), refused: "must not change"},
		"a change of another's":            {is: newPod("bookend", annotations{web: right, "x": "1"}), was: newPod("bookend", annotations{web: right})},
		"no change of a wrong choice":      {is: newPod("bookend", annotations{sidecar: "both"}), was: newPod("bookend", annotations{sidecar: "both"})},
		"no change of what is wrong":       {is: newPod("bookend", annotations{web: wrong, "bookend.dev/lifecycle": ""}), was: newPod("bookend", annotations{web: wrong, "bookend.dev/lifecycle": ""})},
		"a change of another class":        {is: newPod("gvisor", annotations{web: right}), was: newPod("gvisor", nil)},
		"an ephemeral container":           {is: newPod("bookend", annotations{debug: wrong}, "debug"), was: newPod("bookend", annotations{debug: wrong}), subresource: "ephemeralcontainers", refused: "without a handler"},
		"an ephemeral container of before": {is: newPod("bookend", annotations{debug: wrong}, "debug"), was: newPod("bookend", annotations{debug: wrong}, "debug")},
	} {
		t.Run(name, func(t *testing.T) {
			var was runtime.Object
			if c.was != nil {
				was = c.was
			}
			refused := strings.Join(decide(t, v, "Pod", c.subresource, c.is, was), "\n")
			if !strings.Contains(refused, c.refused) || c.refused == "" && refused != "" {
				t.Errorf("refused: %q", refused)
			}
		})
	}
}

func TestThePolicyOnBindings(t *testing.T) {
	v := compile(t, policies(t)["bookend-bindings"])
	for key, refused := range map[string]bool{"": false, "example.com/x": false, "lifecycle.bookend.dev/web": true, "bookend.dev/sidecar-pre-stop": true, "bookend.dev/lifecycle": true} {
		b := &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: "node1"}}
		if key != "" {
			b.Annotations = map[string]string{key: "preStop: null"}
		}
		if got := decide(t, v, "Binding", "binding", b, nil); (got != nil) != refused {
			t.Errorf("%q: refused: %q", key, got)
		}
	}
}

// Each is a way to change a pod's annotations, or what they apply to.
func TestThePoliciesSeeEveryWay(t *testing.T) {
	all := policies(t)
	for _, way := range []struct {
		policy, resource, subresource string
		operation                     admission.Operation
	}{
		{"bookend-pods", "pods", "", admission.Create},
		{"bookend-pods", "pods", "", admission.Update},
		{"bookend-pods", "pods", "status", admission.Update},
		{"bookend-pods", "pods", "resize", admission.Update},
		{"bookend-pods", "pods", "ephemeralcontainers", admission.Update},
		{"bookend-bindings", "pods", "binding", admission.Create},
		{"bookend-bindings", "bindings", "", admission.Create},
	} {
		p := all[way.policy]
		attributes := admission.NewAttributesRecord(nil, nil, corev1.SchemeGroupVersion.WithKind("Pod"), "shop", "web",
			corev1.SchemeGroupVersion.WithResource(way.resource), way.subresource, way.operation, nil, false, nil)
		seen := slices.ContainsFunc(p.Spec.MatchConstraints.ResourceRules, func(r admissionregistrationv1.NamedRuleWithOperations) bool {
			return (&rules.Matcher{Rule: r.RuleWithOperations, Attr: attributes}).Matches()
		})
		if !seen {
			t.Errorf("%s does not see %s of %s/%s", way.policy, way.operation, way.resource, way.subresource)
		}
		if p.Spec.FailurePolicy == nil || *p.Spec.FailurePolicy != admissionregistrationv1.Fail {
			t.Errorf("%s lets pass what it cannot decide about", way.policy)
		}
	}
}

func TestThePolicyKnowsEveryField(t *testing.T) {
	for _, name := range hooks.LifecycleFields() {
		found := false
		for _, v := range policies(t)["bookend-pods"].Spec.Variables {
			found = found || v.Name == "known" && strings.Contains(v.Expression, "'"+name+"'")
		}
		if !found {
			t.Errorf("it does not know %s", name)
		}
	}
}
