package docker

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// prints is a comment of the documentation that says what its command prints.
var prints = regexp.MustCompile(`# prints "([^"]+)"`)

// nginx gives the engine an image of that name: it ends at SIGTERM, and at
// SIGQUIT, its STOPSIGNAL.
func (e *Engine) nginx(t *testing.T) {
	t.Helper()
	c := e.Create(t, "")
	_, err := e.ContainerCommit(t.Context(), c.ID, client.ContainerCommitOptions{Reference: "nginx", Config: &container.Config{
		Cmd: []string{"sh", "-c", "trap 'exit 0' QUIT TERM; while :; do sleep 1000 & wait; done"}, StopSignal: "SIGQUIT",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.ImageTag(t.Context(), client.ImageTagOptions{Source: Image, Target: "busybox"}); err != nil {
		t.Fatal(err)
	}
}

// sh runs a script of commands as a user would, with docker's command line.
func (e *Engine) sh(t *testing.T, script string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	cmd.Env = e.Env()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// removeNamed removes a container that a script left because it failed.
func (e *Engine) removeNamed(ctx context.Context, name string) error {
	_, err := e.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func TestCommandsOfTheDocumentation(t *testing.T) {
	e := sharedEngine(t)
	e.nginx(t)
	for _, page := range []string{readme, clients} {
		scripts, err := blocks(e.daemon, page, "sh", "docker run ")
		if err != nil {
			t.Fatal(err)
		}
		for _, script := range scripts {
			t.Run(filepath.Base(page), func(t *testing.T) {
				defer func() {
					if err := e.removeNamed(context.Background(), "web"); err != nil {
						t.Error(err)
					}
				}()
				out, err := e.sh(t, script)
				if err != nil {
					t.Fatalf("%s\n%v: %s", script, err, out)
				}
				for _, want := range prints.FindAllStringSubmatch(script, -1) {
					if !strings.Contains(out, want[1]) {
						t.Errorf("%s\ndoes not print %q but %s", script, want[1], out)
					}
				}
			})
		}
	}
}

// What docker run says and does where a start fails.
func TestCommandRunThatFails(t *testing.T) {
	for name, given := range map[string]struct{ lifecycle, text string }{
		"postStart":  {"postStart: {exec: {command: ['false']}}", "FailedPostStartHook: exec: exit status 1 after"},
		"annotation": {"preStop: {sleep: {seconds: -3}}", "annotation bookend.dev/lifecycle: preStop.sleep.seconds: must be >= 0, got -3"},
	} {
		t.Run(name, func(t *testing.T) {
			e := sharedEngine(t)
			e.nginx(t)
			defer func() {
				if err := e.removeNamed(context.Background(), "web"); err != nil {
					t.Error(err)
				}
			}()
			out, err := e.sh(t, `docker run -d --name web --runtime bookend --annotation bookend.dev/lifecycle="`+given.lifecycle+`" nginx`)
			var failed *exec.ExitError
			if !errors.As(err, &failed) || failed.ExitCode() != 125 || !strings.Contains(out, given.text) {
				t.Errorf("docker run: %v, want exit code 125: %s", err, out)
			}
			if out, err := e.sh(t, "docker ps -af name=web --format '{{.State}}'; docker rm web"); err != nil || out != "created\nweb\n" {
				t.Errorf("docker ps and docker rm: %v: %s", err, out)
			}
		})
	}
}
