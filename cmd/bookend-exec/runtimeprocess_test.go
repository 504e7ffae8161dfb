package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"bookend.dev/bookend/runtime/wire"
)

func TestRuntimeProcessKeepsWhatItDoesNotKnow(t *testing.T) {
	bundle := t.TempDir()
	const config = `{"process": {"terminal": true, "consoleSize": {"height": 1, "width": 2}, "args": ["init"], "cwd": "/srv",
		"env": ["A=1", "B=2", "A=3"], "user": {"uid": 5, "gid": 6, "umask": 18, "username": "x"}, "noNewPrivileges": true, "landlock": {"new": [1]}}}`
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		req  wire.Request
		want string
	}{
		"the container's": {wire.Request{Args: []string{"true"}}, `{"terminal": false, "args": ["true"], "cwd": "/srv",
			"env": ["B=2", "A=3"], "user": {"uid": 5, "gid": 6, "umask": 18, "username": "x"}, "noNewPrivileges": true, "landlock": {"new": [1]}}`},
		"the hook's own": {
			wire.Request{Args: []string{"a", "b"}, Env: []string{"B=", "C=x=y"}, Cwd: "/w", User: &wire.User{UID: 7, GID: 8, AdditionalGids: []uint32{8, 9}}},
			`{"terminal": false, "args": ["a", "b"], "cwd": "/w", "env": ["A=3", "B=", "C=x=y"],
			"user": {"uid": 7, "gid": 8, "umask": 18, "additionalGids": [8, 9]}, "noNewPrivileges": true, "landlock": {"new": [1]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.req.Bundle = bundle
			data, err := runtimeProcess(tc.req)
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := errors.Join(json.Unmarshal(data, &got), json.Unmarshal([]byte(tc.want), &want)); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %s\nwant %s", data, tc.want)
			}
		})
	}
}
