// Package webhook brings package admission to an API server: an HTTPS server that
// answers AdmissionReviews at [Path], and probes at /healthz and /readyz.
//
// A request changes nothing but what its answer says, so a dry run is like any
// other. What an answer depends on beside the request is the labels of its
// namespace, from a watch.
//
// Certificates come from whoever has them at the time of a handshake: files
// that are read again when they change, or package selfsigned.
//
// # What its MutatingWebhookConfiguration says
//
//   - Two webhooks, both at [Path]: one with a namespaceSelector for
//     bookend.dev/hooks=enabled; one for all other namespaces, whose matchConditions
//     ask for a runtimeClassName that runs bookend, so that no other pod waits for it.
//     A Binding names no class: it needs a webhook without that condition, or the
//     ValidatingAdmissionPolicy of deploy/webhook-free.
//   - rules: CREATE and UPDATE of pods, UPDATE of pods/status, pods/resize and
//     pods/ephemeralcontainers, CREATE of pods/binding and bindings. Each of them can
//     change a pod's annotations, or what they apply to.
//   - sideEffects: None. timeoutSeconds: 5 or so, an answer takes a millisecond.
//   - failurePolicy: Fail. With Ignore, a pod that comes while no replica answers is
//     not refused what it must be, and the kubelet runs its hooks: each still
//     runs once. The namespace of the webhook itself, and kube-system, must not be
//     matched, or no replica could start when none runs.
//   - reinvocationPolicy: IfNeeded. Webhooks run in the order of their
//     configurations' names. An injector of sidecars that comes later adds
//     containers with a lifecycle of their own: the API server then asks this webhook
//     again, which moves those and changes nothing else. One that comes earlier is
//     seen at once. Built-in plugins are asked again too after any change: the one of
//     RuntimeClass so adds the overhead and node selector of a class that was set here.
//
// # Concurrency
//
// [Server.Run] owns the server and ends it: it is no longer ready, takes no new
// requests after [Linger] and ends those that run. Requests run beside each other and
// share nothing that changes but the namespaces' watch.
package webhook
