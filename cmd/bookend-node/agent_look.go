package main

import (
	"fmt"
	"log/slog"

	"bookend.dev/bookend/hooks/record"
)

// addLook adds the part that lets users look at the hooks of their pods.
func (a *agent) addLook(o agentOptions, log *slog.Logger) error {
	dir, err := recordsDir(o)
	if err != nil {
		return err
	}
	config, err := apiConfig(o)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	serve, ready, err := o.look.Listening(config, record.Open(dir, record.Limits{}), o.node, log)
	if err != nil {
		return err
	}
	a.add(serve)
	a.await("the API hooks.bookend.dev", ready)
	return nil
}
