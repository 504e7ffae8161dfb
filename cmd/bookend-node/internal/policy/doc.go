// Package policy holds the test of deploy/webhook-free/policy.yaml: the API server's
// own code decides there, and is compared with [hooks.Resolve] and the webhook.
package policy
