package main

import (
	"fmt"
	"strings"
)

// namedReview is a request, by its name in figures.
type namedReview struct {
	name string
	body []byte
}

// reviews are requests as an API server sends them: pods of a Deployment, with all
// that a cluster adds, and what happens most often to them.
func reviews() []namedReview {
	const (
		postStart = `"postStart":{"exec":{"command":["/bin/sh","-c","echo Hello from the postStart handler \u003e /usr/share/message"]}}`
		preStop   = `"preStop":{"exec":{"command":["/bin/sh","-c","nginx -s quit; while killall -0 nginx; do sleep 1; done"]}}`
		sleep     = `"preStop":{"sleep":{"seconds":5}}`
		moved     = `"lifecycle.bookend.dev/web":"{\"preStop\":{\"sleep\":{\"seconds\":5}}}",`
	)
	return []namedReview{
		{"pod_with_hooks", review("CREATE", "", pod("", lifecycle(postStart+","+preStop), ""), "null")},
		{"pod_with_two_lifecycles", review("CREATE", "", pod("", lifecycle(postStart+","+preStop), lifecycle(sleep)), "null")},
		{"pod_without_hooks", review("CREATE", "", pod("", "", ""), "null")},
		{"status", review("UPDATE", "status", pod(moved, "", ""), pod(moved, "", ""))},
	}
}

func lifecycle(hooks string) string { return `"lifecycle":{` + hooks + `},` }

func review(operation, subresource, object, old string) []byte {
	return fmt.Appendf(nil, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002",
"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"subResource":%q,
"requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},
"name":"","namespace":"shop","operation":%q,"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller",
"uid":"0f4f3f1e-4b0f-4f8e-9b1a-0f3f1e4b0f4f","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"]},
"object":%s,"oldObject":%s,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`, subresource, operation, object, old)
}

// pod has two containers. What is said of the first and second are fields of theirs.
func pod(annotations, first, second string) string {
	return fmt.Sprintf(`{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"web-6d4b75cb6d-","namespace":"shop",
"labels":{"app":"web","pod-template-hash":"6d4b75cb6d"},"annotations":{%s"kubectl.kubernetes.io/restartedAt":"2026-11-26T18:00:00Z"},
"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-6d4b75cb6d","uid":"9d5e","controller":true,"blockOwnerDeletion":true}],
"managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-11-26T18:00:00Z","fieldsType":"FieldsV1","fieldsV1":%s}]},
"spec":{"runtimeClassName":"bookend","volumes":[{"name":"kube-api-access-x7x2j","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}],"defaultMode":420}}],
"containers":[%s,%s],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",
"serviceAccountName":"default","serviceAccount":"default","securityContext":{},"schedulerName":"default-scheduler",
"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,
"preemptionPolicy":"PreemptLowerPriority"},"status":{}}`, annotations, managedFields(), containerNamed("web", first), containerNamed("log", second))
}

func managedFields() string {
	var fields []string
	for _, name := range []string{"dnsPolicy", "enableServiceLinks", "restartPolicy", "runtimeClassName", "schedulerName", "securityContext", "terminationGracePeriodSeconds"} {
		fields = append(fields, fmt.Sprintf(`"f:%s":{}`, name))
	}
	return `{"f:metadata":{"f:generateName":{},"f:labels":{".":{},"f:app":{}}},"f:spec":{` + strings.Join(fields, ",") + `}}`
}

func containerNamed(name, more string) string {
	return fmt.Sprintf(`{"name":%q,"image":"registry.example.com/shop/web:1.2.3",%s"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],
"env":[{"name":"MODE","value":"production"},{"name":"POD","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}}],
"resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},
"volumeMounts":[{"name":"kube-api-access-x7x2j","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
"livenessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},
"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent",
"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}`, name, more)
}
