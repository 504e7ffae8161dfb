package main

import (
	"log/slog"

	"bookend.dev/bookend/hooks/record"
)

// lookPart is the one that lets users look at the hooks of their pods.
func lookPart(o agentOptions, log *slog.Logger) (part, error) {
	dir, err := recordsDir(o)
	if err != nil {
		return nil, err
	}
	config, err := apiConfig(o)
	if err != nil {
		return nil, err
	}
	return o.look.Listening(config, record.Open(dir, record.Limits{}), o.node, log)
}
