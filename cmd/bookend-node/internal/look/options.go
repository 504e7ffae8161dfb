package look

import (
	"cmp"
	"log/slog"
	"time"

	"bookend.dev/bookend/cmd/bookend-node/internal/kubeclient"
	"bookend.dev/bookend/hooks/record"
)

// Audience is that of the tokens by which agents know each other. The API server
// does not take one of these for its own.
const Audience = "agents.bookend.dev"

// Options say who an agent is and whom it asks.
type Options struct {
	// Client talks to the API server as the agents' service account.
	Client *kubeclient.Client
	// Records are this node's.
	Records *record.Store
	// Node is the name of this node.
	Node string
	// Namespace, Service and Port name the port of the Service that the APIService
	// points to. Its endpoints are the agents.
	Namespace, Service, Port string
	// ServiceAccount is the agents', in Namespace.
	ServiceAccount string
	// CertDir holds tls.crt and tls.key, which the agents serve with, and ca.crt,
	// which they know each other by. Files may be replaced at any time.
	CertDir string
	// TokenFile holds a token of the agents' service account for [Audience], which
	// the kubelet renews.
	TokenFile string
	// Log is told what an operator should know.
	Log *slog.Logger
	// Limits bound what a request takes. A field of 0 stands for its default.
	Limits Limits
}

// Limits bound what requests take of an agent and how long they wait for another.
type Limits struct {
	MaxBytes  int64         // of records in an answer; older ones are left out. Default 10 MiB
	Requests  int           // at once; more are told to come later. Default 64
	Logs      int           // of these, logs. Default 16
	Tokens    int           // of these, whose token the API server looks at. Default 16
	Answer    time.Duration // from another agent: until it begins to answer. Default 10s
	Whole     time.Duration // an answer that is not followed, and the way to one that is. Default 60s
	Follow    time.Duration // a log that is followed; then the client asks again. Default 1h
	Heartbeat time.Duration // how often a quiet stream says that it lives. Default 15s
	// Write is for a client to take what is written. A stream of HTTP/2 ends when
	// nothing has been written for so long: it is more than Heartbeat. Default 30s
	Write time.Duration
	Poll  time.Duration // how often records are looked at. Default 500ms
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MaxBytes:  cmp.Or(l.MaxBytes, 10<<20),
		Requests:  cmp.Or(l.Requests, 64),
		Logs:      cmp.Or(l.Logs, 16),
		Tokens:    cmp.Or(l.Tokens, 16),
		Answer:    cmp.Or(l.Answer, 10*time.Second),
		Whole:     cmp.Or(l.Whole, time.Minute),
		Follow:    cmp.Or(l.Follow, time.Hour),
		Heartbeat: cmp.Or(l.Heartbeat, 15*time.Second),
		Write:     cmp.Or(l.Write, 30*time.Second),
		Poll:      cmp.Or(l.Poll, 500*time.Millisecond),
	}
}

// serverName is what the agents' certificate is for.
func (o Options) serverName() string { return o.Service + "." + o.Namespace + ".svc" }

// agentsUser is the user that the API server knows the agents' tokens as.
func (o Options) agentsUser() string {
	return "system:serviceaccount:" + o.Namespace + ":" + o.ServiceAccount
}
