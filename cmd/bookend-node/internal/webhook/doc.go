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
// # Concurrency
//
// [Server.Run] owns the server and ends it: it is no longer ready, takes no new
// requests and ends those that run. Requests run beside each other and share
// nothing that changes but the namespaces' watch.
package webhook
