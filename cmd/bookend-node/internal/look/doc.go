// Package look lets users look at what the hooks of their pods do and did: an API
// that kube-apiserver aggregates as hooks.bookend.dev ([hooksapi] has its shape),
// and that the agent of every node serves.
//
//	kubectl ── kube-apiserver ── Service ── any agent ── the agent of the pod's node
//	           who is it?                   who may?     who may?
//	                                                     its records
//
// # Whose request it is
//
// An APIService has one Service, whose endpoints are all agents, and kube-apiserver
// takes any of them. It has authenticated the user, and hands the identity on in
// request headers. An agent believes these in two cases, and answers 401 in all
// others:
//
//   - The connection has a client certificate of the request-header authority, for
//     one of the names it is allowed to have. The ConfigMap
//     kube-system/extension-apiserver-authentication says both, and is followed.
//   - The request carries a token of the agents' own service account for
//     [Audience], which the API server confirms by a TokenReview. Another agent has
//     forwarded the request. Its headers have fixed names.
//
// # Who may
//
// Whoever may read the pod's logs: a SubjectAccessReview for "get pods/log" of that
// pod, asked for each request, and before the pod is looked up. kube-apiserver also
// asks its own authorizer about the aggregated resource, before it forwards
// anything, so that a ClusterRole has to grant "get" on pods/hooks and pods/log of
// hooks.bookend.dev to everyone who is authenticated. The decision is here.
//
// # Which agent answers
//
// The agent that gets the request reads the pod. If the pod is on its node, it
// answers from its records; else it asks the agent of that node, by the address that
// the EndpointSlices of the agents' Service have for the node. Both sides are known:
// the asking agent checks the other's certificate against the authority in CertDir,
// for the name of the Service, and shows its token. The agent that is asked decides
// all over: it reviews the user's right and reads the pod itself. A request that an
// agent has sent is never sent on, so there is no loop.
//
// Agents trust each other. Who takes over a node has the token of its agent, and can
// pose to another agent as a user who may read everything.
//
// # Which records
//
// Those of the pod's UID ([ofPod]). An earlier pod of the same name may belong to
// someone else; its records stay on the node for its operator.
//
// # What of k8s.io/apiserver is used
//
// What checks the certificate that request headers come with. What follows the ConfigMap
// and the files of certificates is not: it needs client-go's whole clientset, of which
// package kubeclient says what it costs. Nor are the delegating authorizer and the token
// authenticator: for one call each they bring CEL and gRPC, 38 MB of a binary and 32 MiB
// of memory, and a cache of decisions.
//
// # Bounds
//
// [Limits] has all. A log is written one record at a time, beyond MaxBytes the oldest
// are left out, and clients that take nothing and agents that say nothing are given
// up.
//
// # Concurrency
//
// net/http has a goroutine for each request, which shares nothing with others but three
// counting channels. One more follows the ConfigMap until Serve ends; what it knows is
// swapped atomically. The certificate's files are looked at, under a lock, when a
// connection begins.
package look
