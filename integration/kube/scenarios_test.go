package kube

import "slices"

// scenarios are all of them: a name is that of one pod.
func scenarios() []scenario {
	return slices.Concat(
		handlerScenarios(), failureScenarios(), graceScenarios(), exitScenarios(),
		containerScenarios(), namespaceScenarios(), probeScenarios(),
		signalScenarios(), jobScenarios(),
	)
}

// shortRun are the names of those that a short run compares: one of each kind.
var shortRun = []string{
	"exec, both hooks", "httpGet, preStop", "postStart fails, never restarted", "preStop hangs",
	"deleted with a shorter grace period", "exits during postStart", "a sidecar with postStart", "a job", "stopSignal",
}

// Reasons for what differs: rows of docs/differences.md.
const (
	failedStart = "5. A failed postStart is a failed start."
	exitInHook  = "7. An entrypoint that exits during a hook is no hook failure."
	shareOfG    = "12. The hook's share of the grace period."
	whichSignal = "11. The stop signal triggers it."
	shorter     = "13. A shorter grace period than the pod's is not known."
	sidecarStop = "18. A sidecar's preStop comes with its stop."
)
