package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// wantRules are all that the chart's roles may grant, with the reason. A rule that no
// values grant is not here.
var wantRules = map[string]string{
	"ClusterRole/bookend-agent: create get update events":                                                                    "Events about a node's pods, in their namespaces, and counts in those that are there",
	"ClusterRole/bookend-agent: get pods":                                                                                    "which container an Event is about; on which node a pod is that a user asks about",
	"ClusterRole/bookend-agent: get patch nodes":                                                                             "the installer's label, and whether the node is Ready",
	"ClusterRole/bookend-agent: patch nodes/status":                                                                          "the installer's condition",
	"ClusterRole/bookend-agent: create tokenreviews.authentication.k8s.io":                                                   "whether another agent hands a request on",
	"ClusterRole/bookend-agent: create subjectaccessreviews.authorization.k8s.io":                                            "whether the user may read the pod's logs",
	"Role/bookend-agent: list endpointslices.discovery.k8s.io":                                                               "where the other agents are; a list by a label cannot be bounded by names",
	"Role/bookend-agent: get daemonsets.apps [bookend-agent]":                                                                "whether the agents are to undo what they installed",
	"Role/bookend-agent: get namespaces [bookend-system]":                                                                    "whether it goes with all that is in it",
	"ClusterRole/bookend-hooks-reader: get pods/hooks.hooks.bookend.dev pods/log.hooks.bookend.dev":                          "the API server asks for it before the agents decide",
	"ClusterRole/bookend-webhook: get list watch namespaces":                                                                 "labels of bookend and of Pod Security",
	"ClusterRole/bookend-webhook: get list patch watch mutatingwebhookconfigurations.admissionregistration.k8s.io [bookend]": "the authority of self-signed certificates; a watch is of one name",
	"ClusterRole/bookend-webhook: get patch apiservices.apiregistration.k8s.io [v1alpha1.hooks.bookend.dev]":                 "the same for the agents' API",
	"Role/bookend-webhook: get list update watch secrets [bookend-webhook-certificates]":                                     "self-signed certificates, without an API of agents",
	"Role/bookend-webhook: get list update watch secrets [bookend-webhook-certificates bookend-agent-certificates]":          "self-signed certificates",
	"ClusterRole/bookend-uninstall: list nodes":                                                                              "which nodes still have what is to be undone",
	"Role/bookend-uninstall: get patch daemonsets.apps [bookend-agent]":                                                      "the mark that asks the agents to undo it",
}

// wantBindings are all of them: role <- subject.
var wantBindings = []string{
	"ClusterRoleBinding ClusterRole/bookend-agent <- ServiceAccount/bookend-system/bookend-agent",
	"ClusterRoleBinding ClusterRole/bookend-hooks-reader <- Group//system:authenticated",
	"ClusterRoleBinding ClusterRole/bookend-uninstall <- ServiceAccount/bookend-system/bookend-uninstall",
	"ClusterRoleBinding ClusterRole/bookend-webhook <- ServiceAccount/bookend-system/bookend-webhook",
	"RoleBinding bookend-system Role/bookend-agent <- ServiceAccount/bookend-system/bookend-agent",
	"RoleBinding bookend-system Role/bookend-uninstall <- ServiceAccount/bookend-system/bookend-uninstall",
	"RoleBinding bookend-system Role/bookend-webhook <- ServiceAccount/bookend-system/bookend-webhook",
	"RoleBinding kube-system Role/extension-apiserver-authentication-reader <- ServiceAccount/bookend-system/bookend-agent",
}

// granted are the rules and the bindings of a rendering.
func granted(t *testing.T, all []*object) (rules, bindings []string) {
	t.Helper()
	for _, o := range all {
		switch o.GetKind() {
		case "Role", "ClusterRole":
			for _, r := range into[rbacv1.ClusterRole](t, o).Rules {
				rules = append(rules, o.name()+": "+ruleText(t, r))
			}
		case "RoleBinding", "ClusterRoleBinding":
			b := into[rbacv1.RoleBinding](t, o)
			for _, s := range b.Subjects {
				line := fmt.Sprintf("%s %s %s/%s <- %s/%s/%s", o.GetKind(), o.GetNamespace(), b.RoleRef.Kind, b.RoleRef.Name, s.Kind, s.Namespace, s.Name)
				bindings = append(bindings, strings.Replace(line, "  ", " ", 1))
			}
		}
	}
	return rules, bindings
}

func ruleText(t *testing.T, r rbacv1.PolicyRule) string {
	t.Helper()
	if len(r.APIGroups) != 1 || len(r.NonResourceURLs) > 0 {
		t.Errorf("a rule of more than one group, or of URLs: %v", r)
	}
	words := slices.Sorted(slices.Values(r.Verbs))
	for _, resource := range r.Resources {
		words = append(words, strings.TrimSuffix(resource+"."+r.APIGroups[0], "."))
	}
	text := strings.Join(words, " ")
	if len(r.ResourceNames) > 0 {
		text += fmt.Sprintf(" %v", r.ResourceNames)
	}
	if strings.Contains(text, "*") {
		t.Errorf("a rule for everything: %s", text)
	}
	return text
}

func TestRolesGrantWhatIsNeeded(t *testing.T) {
	seen, bound := map[string]bool{}, map[string]bool{}
	for name, v := range variants(t) {
		gotRules, gotBindings := granted(t, render(t, v))
		for _, r := range gotRules {
			seen[r] = true
			if wantRules[r] == "" {
				t.Errorf("%s: %s: no reason for it is known", name, r)
			}
		}
		for _, b := range gotBindings {
			bound[b] = true
		}
	}
	noAPI := render(t, values(t, "agent: {api: {enabled: false}}"))
	gotRules, _ := granted(t, noAPI)
	for _, r := range gotRules {
		seen[r] = true
	}
	for r := range wantRules {
		if !seen[r] {
			t.Errorf("%s: no values grant it", r)
		}
	}
	if got := slices.Sorted(maps.Keys(bound)); !slices.Equal(got, wantBindings) {
		t.Errorf("bindings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(wantBindings, "\n"))
	}
}

// What values switch off takes its rights along.
func TestRolesGrantNothingForWhatIsOff(t *testing.T) {
	for _, tt := range []struct {
		values string
		gone   []string // parts of rules
	}{
		{"agent: {install: {enabled: false}}", []string{"nodes", "daemonsets", "uninstall", "[bookend-system]"}},
		{"agent: {api: {enabled: false}}", []string{"tokenreviews", "subjectaccessreviews", "endpointslices", "hooks-reader", "apiservices", "bookend-agent-certificates"}},
		{"certificates: {by: certManager}", []string{"secrets", "mutatingwebhookconfigurations", "apiservices"}},
		{"{webhook: {enabled: false}, certificates: {by: certManager}}", []string{"bookend-webhook"}},
	} {
		rules, bindings := granted(t, render(t, values(t, tt.values)))
		for _, line := range append(rules, bindings...) {
			for _, part := range tt.gone {
				if strings.Contains(line, part) {
					t.Errorf("%s grants %s", tt.values, line)
				}
			}
		}
	}
}
