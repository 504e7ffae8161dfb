package policy

import (
	"bytes"
	"os"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

const file = "../../../../deploy/webhook-free/policy.yaml"

// policies are those of the file, by their names; each must have a binding.
func policies(t *testing.T) map[string]*admissionregistrationv1.ValidatingAdmissionPolicy {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, bound := map[string]*admissionregistrationv1.ValidatingAdmissionPolicy{}, map[string]bool{}
	for _, text := range bytes.Split(data, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(text, &kind); err != nil {
			t.Fatal(err)
		}
		switch kind.Kind {
		case "ValidatingAdmissionPolicy":
			p := &admissionregistrationv1.ValidatingAdmissionPolicy{}
			if err := yaml.UnmarshalStrict(text, p); err != nil {
				t.Fatal(err)
			}
			all[p.Name] = p
		case "ValidatingAdmissionPolicyBinding":
			b := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
			if err := yaml.UnmarshalStrict(text, b); err != nil {
				t.Fatal(err)
			}
			bound[b.Spec.PolicyName] = len(b.Spec.ValidationActions) == 1 && b.Spec.ValidationActions[0] == admissionregistrationv1.Deny
		default:
			t.Fatalf("a %s", kind.Kind)
		}
	}
	for name := range all {
		if !bound[name] {
			t.Errorf("policy %s has no binding that denies", name)
		}
	}
	if len(all) == 0 {
		t.Fatal("no policies")
	}
	return all
}

// compile does what the API server does with a policy.
func compile(t *testing.T, p *admissionregistrationv1.ValidatingAdmissionPolicy) validating.Validator {
	t.Helper()
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		t.Fatal(err)
	}
	options := cel.OptionalVariableDeclarations{HasAuthorizer: true}
	for _, v := range p.Spec.Variables {
		if r := compiler.CompileAndStoreVariable(&validating.Variable{Name: v.Name, Expression: v.Expression}, options, environment.NewExpressions); r.Error != nil {
			t.Fatalf("%s: variable %s: %v", p.Name, v.Name, r.Error)
		}
	}
	var conditions, validations, texts []cel.ExpressionAccessor
	for i := range p.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&p.Spec.MatchConditions[i]))
	}
	for _, v := range p.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		if v.MessageExpression == "" {
			texts = append(texts, nil)
			continue
		}
		texts = append(texts, &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression})
	}
	for _, list := range [][]cel.ExpressionAccessor{conditions, validations, texts} {
		for _, e := range list {
			if e == nil {
				continue
			}
			if r := compiler.CompileCELExpression(e, options, environment.NewExpressions); r.Error != nil {
				t.Fatalf("%s: %s: %v", p.Name, e.GetExpression(), r.Error)
			}
		}
	}
	condition := func(list []cel.ExpressionAccessor) cel.ConditionEvaluator {
		return compiler.CompileCondition(list, options, environment.NewExpressions)
	}
	var matcher matchconditions.Matcher
	if len(conditions) > 0 {
		matcher = matchconditions.NewMatcher(condition(conditions), p.Spec.FailurePolicy, "policy", "validate", p.Name)
	}
	return validating.NewValidator(condition(validations), matcher, condition(nil), condition(texts), p.Spec.FailurePolicy, nil)
}

// decide returns why the request is refused, with all messages; nil: it is not.
func decide(t *testing.T, v validating.Validator, kind, subresource string, is, was runtime.Object) []string {
	t.Helper()
	operation := admission.Create
	if was != nil {
		operation = admission.Update
	}
	gvk, gvr := corev1.SchemeGroupVersion.WithKind(kind), corev1.SchemeGroupVersion.WithResource("pods")
	attributes := admission.NewAttributesRecord(is, was, gvk, "shop", "web", gvr, subresource, operation, nil, false, nil)
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: gvk}
	versioned.VersionedObject.Set(is)
	versioned.VersionedOldObject.Set(was)
	result := v.Validate(t.Context(), gvr, versioned, nil, &corev1.Namespace{}, celconfig.RuntimeCELCostBudget, nil)
	var refused []string
	for _, d := range result.Decisions {
		if d.Evaluation == validating.EvalError {
			t.Errorf("%s", d.Message)
		}
		if d.Action != validating.ActionAdmit {
			refused = append(refused, d.Message)
		}
	}
	return refused
}
