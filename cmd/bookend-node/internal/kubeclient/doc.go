// Package kubeclient asks an API server for the objects that the agent of a node needs,
// by client-go's REST client.
//
// # Why not client-go's own typed clients
//
// Each of them brings the scheme of all of Kubernetes' groups, which makes 65 MB of a
// program of 28. Of that, 24 MiB in place of 14 are then resident while the agent works:
// what it uses lies among what it does not. An agent asks for seven kinds of objects.
// The methods here are those of the typed clients, with the same arguments.
//
// Bodies are protobuf, as those of the typed clients.
//
// # Concurrency
//
// A [Client] may be used by any number of goroutines. All its resources share one bound
// of requests.
package kubeclient
