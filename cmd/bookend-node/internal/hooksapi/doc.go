// Package hooksapi is the API hooks.bookend.dev as it goes over the wire: what
// the agents serve and kubectl-bookend reads.
//
//	GET /apis/hooks.bookend.dev/v1alpha1/namespaces/NS/pods/POD/hooks
//	GET /apis/hooks.bookend.dev/v1alpha1/namespaces/NS/pods/POD/log?follow=&output=
//
// The first is a [PodHooks]: where the pod's containers with hooks stand now. The
// second is a stream of [LogLine], one JSON object a line: a head, then the
// records of the pod's hooks, the oldest in front; with follow=true it goes on with
// those that are new or have changed. Statuses and records are those of
// [bookend.dev/bookend/hooks/record].
//
// The second is called "log" because kube-apiserver cuts every request after a
// minute (--request-timeout) except watches and those of a few subresources, and
// "log" is one of these in every API group.
package hooksapi
