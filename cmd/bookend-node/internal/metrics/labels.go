package metrics

import (
	"slices"

	"bookend.dev/bookend/cmd/bookend-node/internal/hookfeed"
	"bookend.dev/bookend/hooks"
)

// other stands for every value that is not in a label's list.
const other = "other"

func hookValues() []string { return []string{string(hooks.PostStart), string(hooks.PreStop)} }

func handlerValues() []string {
	return []string{hooks.HandlerExec, hooks.HandlerHTTPGet, hooks.HandlerSleep}
}

func outcomeValues() []string {
	return []string{string(hooks.Succeeded), string(hooks.Failed), string(hooks.TimedOut), string(hooks.Cancelled), string(hooks.Unknown)}
}

// oneOf returns a value if it is in the list.
func oneOf(list []string, value string) string {
	if slices.Contains(list, value) {
		return value
	}
	return other
}

// of returns the values of the labels hook and handler.
func of(f hookfeed.Fact) (hook, handler string) {
	return oneOf(hookValues(), string(f.Hook)), oneOf(handlerValues(), f.Handler)
}
