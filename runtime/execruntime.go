package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"

	"bookend.dev/bookend/runtime/wire"
)

// startRuntime starts bookend-exec, which runs the hook through the exec of the
// container's own runtime.
func (h *execHandler) startRuntime(ctx context.Context, user *wire.User) (*execRun, error) {
	r, stdout, stderr, err := newExecRun(ctx, h, ByRuntime)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	defer stderr.Close()
	data, err := json.Marshal(h.request(r, user))
	if err == nil {
		err = h.container.Init.giveToRoot(stdout, stderr)
	}
	if err == nil {
		err = r.runHelper(h.executor, data, stdout, stderr)
	}
	if err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func (h *execHandler) request(r *execRun, user *wire.User) wire.Request {
	req := wire.Request{
		ID: h.container.ID, Bundle: h.container.Bundle, Args: h.spec.Command, Cwd: h.spec.WorkingDir, User: user,
		Runtime: h.container.Runner.request(h.container, r.cgroup),
	}
	for _, v := range h.spec.Env {
		req.Env = append(req.Env, v.Name+"="+v.Value)
	}
	return req
}

// request is what bookend-exec needs to know of the runtime of c, for a hook
// that is to run in cgroup, if not nil.
func (r *Runner) request(c Container, cgroup *hookCgroup) wire.Runtime {
	args := []string{"--root", c.RuncRoot}
	if r.SystemdCgroup {
		args = append(args, "--systemd-cgroup")
	}
	req := wire.Runtime{
		Path: r.Binary, Args: args, Env: runtimeEnv(os.Environ()),
		Init: c.Init.Pid, Cgroup: c.Cgroup.hooksDir(), Unified: c.Cgroup.isUnified(),
	}
	if cgroup != nil {
		req.HookCgroup = cgroup.dir
	}
	return req
}

// runtimeEnv is this process' environment as containerd's shim passes it on to
// runtimes: without what would make one of them speak to systemd.
func runtimeEnv(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, "NOTIFY_SOCKET=") })
}

// runHelper starts bookend-exec with a request. The child's ends are closed here in
// any case, so that readers see the end of the file.
func (r *execRun) runHelper(e *Executor, request []byte, stdout, stderr *os.File) (err error) {
	cmd, err := e.helper.command()
	if err != nil {
		return err
	}
	in, err := pipeOf(request)
	if err != nil {
		return err
	}
	defer in.Close()
	var status, complaintsEnd *os.File
	if r.said, status, err = os.Pipe(); err != nil {
		return err
	}
	defer status.Close()
	if r.complaints, complaintsEnd, err = newOutput(); err != nil {
		return errors.Join(err, r.said.Close())
	}
	defer complaintsEnd.Close()
	// Without one of the shim's the runtime takes the node's.
	null, _ := e.null.get() // nil where it fails
	cmd.Stdin, cmd.Stderr, cmd.ExtraFiles = in, complaintsEnd, []*os.File{status, stdout, stderr, null}
	statuses := json.NewDecoder(r.said)
	err = r.launch(e.monitor, cmd, func() (s wire.Status, err error) { return s, statuses.Decode(&s) })
	if err != nil {
		return errors.Join(err, r.said.Close())
	}
	return nil
}

// pipeOf returns the end of a pipe from which a request can be read, which need not
// fit into the pipe at once. It MUST be closed. That no one reads it to its end is
// noticed by whoever waits for an answer.
func pipeOf(request []byte) (*os.File, error) {
	in, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		defer tell.Close()
		_, _ = tell.Write(request)
	}()
	return in, nil
}

// compile has bookend-exec compile a seccomp profile.
func (e *Executor) compile(ctx context.Context, request []byte) ([]byte, error) {
	cmd, err := e.helper.command("compile")
	if err != nil {
		return nil, err
	}
	in, err := pipeOf(request)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	cmd.Stdin = in
	return boundedOutput(ctx, e.monitor, cmd)
}
