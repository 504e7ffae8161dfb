package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/runtime/wire"
)

// runtimeProcess is the file that a runtime's exec takes: the process section
// of the bundle's config.json with req's command, environment, user and working
// directory. All other fields pass through as they are, known or not: they may
// confine the process.
func runtimeProcess(req wire.Request) ([]byte, error) {
	path := filepath.Join(req.Bundle, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var spec struct {
		Process map[string]json.RawMessage `json:"process"`
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p := spec.Process
	if p == nil {
		return nil, fmt.Errorf("%s: no process", path)
	}
	var env []string
	if err := unlessAbsent(p["env"], &env); err != nil {
		return nil, fmt.Errorf("%s: process.env: %w", path, err)
	}
	changes := map[string]any{"args": req.Args, "env": lastOfEach(append(env, req.Env...)), "terminal": false}
	if req.Cwd != "" {
		changes["cwd"] = req.Cwd
	}
	if req.User != nil {
		if changes["user"], err = otherUser(p["user"], req.User); err != nil {
			return nil, fmt.Errorf("%s: process.user: %w", path, err)
		}
	}
	delete(p, "consoleSize")
	delete(p, "commandLine")
	for name, value := range changes {
		if p[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(p)
}

// otherUser is the user section with u in place of who it names; the umask stays.
func otherUser(section json.RawMessage, u *wire.User) (map[string]any, error) {
	user := map[string]any{}
	if err := unlessAbsent(section, &user); err != nil {
		return nil, err
	}
	user["uid"], user["gid"], user["additionalGids"] = u.UID, u.GID, u.AdditionalGids
	delete(user, "username")
	return user, nil
}

// lastOfEach drops all but the last of variables of one name: of two, runtimes
// do not agree which one counts.
func lastOfEach(env []string) []string {
	last := map[string]int{}
	for i, v := range env {
		name, _, _ := strings.Cut(v, "=")
		last[name] = i
	}
	kept := []string{}
	for i, v := range env {
		if name, _, _ := strings.Cut(v, "="); last[name] == i {
			kept = append(kept, v)
		}
	}
	return kept
}

func unlessAbsent(data json.RawMessage, to any) error {
	if data == nil {
		return nil
	}
	return json.Unmarshal(data, to)
}
