// Package tell makes Kubernetes Events of what the hooks of a node's pods did: of each
// hook that failed, of a postStart that makes its container wait, and of a stop signal
// that could not be sent. kubectl describe pod shows them.
//
// An Event is about the pod, and its field path names the container, as with the
// kubelet's own. It has the kubelet's reasons and begins with the kubelet's words.
// What follows, in which the kubelet's are silent, is [hooks.Result.Brief]: the handler,
// a cause of a fixed list, an exit code, signal or status. More people may read Events
// than logs, so there is nothing in them that a hook printed or its author wrote.
//
// # Once each, and bounded
//
// The API aggregates: an Event has a count, and what happens again is counted in the
// same Event. The kubelet's recorder does that from memory, and begins anew when it
// restarts; it also gives up what it cannot deliver for a while. A restart of the agent
// must neither lose a failure nor count it twice. So the name of an Event is a digest
// of what is the same in all that it counts, which are the pod, the field path, the
// reason and the message; durations are not in the message. The first failure creates
// the Event, and is refused if it exists. Then the Event says, in an annotation, which
// failure it has counted last. A feed gives again at most the fact that it gave last
// (package hookfeed), so this one comparison tells one that was counted from one that
// was not. The update carries the version that was compared.
//
// The rest is as the kubelet has it: 25 Events about one pod at once, and one in five
// minutes after that; what the API server refuses is not sent again. What is beyond is
// counted as such and told nowhere else but in the records. Where the API server does not
// answer, the feed waits. Where it answers, and takes none of a namespace's Events for ten
// minutes, they are given up, until it takes one: a webhook that fails for a namespace must
// not hold the Events of all others up.
//
// # Whose pod
//
// The record has the pod's name, namespace and UID as containerd knows them. An Event
// goes to that UID, and not to a younger pod of that name. The pod itself is looked up
// once for each Event that is created, to tell an init container, whose field path is
// another, from others. That is a call for each new kind of failure; to watch the pods of the
// node would cost memory and the right to list the pods of all nodes.
//
// # Concurrency
//
// A [Teller] belongs to the goroutine of its feed.
package tell
