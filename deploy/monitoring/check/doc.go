// Package check tests the dashboard and the alert rules with Prometheus' own parser
// and engine. It is a module of its own, so that nothing else depends on Prometheus,
// and has nothing but tests.
package check
