package integration

import (
	"context"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/typeurl/v2"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/types/known/anypb"
)

// The tests in this file run one script with the stock shim and with ours and
// compare what clients saw.

// noDelay are hooks that change nothing but that there are any.
const noDelay = `{"postStart":{"sleep":{"seconds":0}},"preStop":{"sleep":{"seconds":0}}}`

func TestStockShimAndOursAreTheSameForTasksWithoutHooks(t *testing.T) {
	d := shared.Daemon(t)
	stock := runTaskScript(t, d, harness.TaskOptions{})
	ours := runTaskScript(t, d, harness.TaskOptions{Runtime: harness.BookendRuntime})
	wantSame(t, "replies", ours.lines, stock.lines)
	wantSame(t, "events", ours.events, stock.events)
}

func TestStockShimAndOursHaveTheSameRepliesAndEventsForTasksWithHooks(t *testing.T) {
	d := shared.Daemon(t)
	stock := runTaskScript(t, d, harness.TaskOptions{})
	ours := runTaskScript(t, d, harness.TaskOptions{Runtime: harness.BookendRuntime, Annotations: map[string]string{harness.LifecycleKey: noDelay}})
	wantSame(t, "replies", ours.lines, stock.lines)
	wantSame(t, "events", ours.events, stock.events)
}

// taskRun is one run of the script for tasks.
type taskRun struct {
	transcript
	events []string

	t      *testing.T
	images string // where checkpoints would go
	daemon *harness.Daemon
	opts   harness.TaskOptions

	// The container that the script has reached.
	*harness.Fixture
	shim *harness.Shim
}

// ctx is the context of calls of the shim.
func (p *taskRun) ctx() context.Context { return p.shim.Context(p.t.Context()) }

func runTaskScript(t *testing.T, d *harness.Daemon, opts harness.TaskOptions) *taskRun {
	t.Helper()
	p := &taskRun{transcript: transcript{t: t}, t: t, images: t.TempDir(), daemon: d, opts: opts}
	p.alias(p.images, "IMAGES")
	p.alias(d.Dir, "DIR")
	p.everyCall()
	p.shortLived()
	p.killed()
	p.unstarted()
	p.withoutCommand()
	return p
}

// create creates a container and connects to its shim.
func (p *taskRun) create(name string, args ...string) {
	p.Fixture = harness.CreateTask(p.t, p.daemon, "", func(o *harness.TaskOptions) {
		o.Runtime, o.Annotations = p.opts.Runtime, p.opts.Annotations
		if args != nil {
			o.Args = args
		}
	})
	p.alias(p.ID, name)
	shim, err := p.daemon.Shim(p.t.Context(), harness.TaskNamespace, p.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	p.shim = shim
}

// delete deletes the container and notes its events. It lets the exit go out
// first: the stock shim loses that of a container which is deleted at once.
func (p *taskRun) delete() {
	p.exited("")
	exit, err := p.Task.Delete(p.t.Context())
	code := -1
	if err == nil {
		code = int(exit.ExitCode())
	}
	p.note("delete", code, err)
	_, err = p.Task.Delete(p.t.Context())
	p.note("second delete", nil, err)
	_ = p.shim.Close()
	p.events = append(p.events, taskEvents(p.Events, p.ID)...)
}

// exited waits for the exit of the init or of an exec, so that the order of the
// events behind it is the script's.
func (p *taskRun) exited(exec string) {
	p.t.Helper()
	_, err := p.Events.WaitFor(p.t.Context(), func(e harness.Event) bool {
		return e.Topic == "/tasks/exit" && e.ContainerID == p.ID && e.ExecID == exec
	})
	if err != nil {
		p.t.Errorf("exit of %q: %v", exec, err)
	}
}

func (p *taskRun) state(when, exec string) {
	call(&p.transcript, "state "+when, p.shim.State, p.ctx(), &taskapi.StateRequest{ID: p.ID, ExecID: exec})
}

func (p *taskRun) kill(step, exec string, sig int) {
	call(&p.transcript, step, p.shim.Kill, p.ctx(), &taskapi.KillRequest{ID: p.ID, ExecID: exec, Signal: uint32(sig)})
}

func (p *taskRun) startCall(step, exec string) {
	call(&p.transcript, step, p.shim.Start, p.ctx(), &taskapi.StartRequest{ID: p.ID, ExecID: exec})
}

func (p *taskRun) deleteExec(step, exec string) {
	call(&p.transcript, step, p.shim.Delete, p.ctx(), &taskapi.DeleteRequest{ID: p.ID, ExecID: exec})
}

func (p *taskRun) execCall(step, exec string, args ...string) {
	call(&p.transcript, step, p.shim.Exec, p.ctx(), &taskapi.ExecProcessRequest{
		ID: p.ID, ExecID: exec, Spec: p.any(&specs.Process{Args: args, Cwd: "/", Env: []string{"PATH=/bin"}}),
	})
}

func (p *taskRun) any(v any) *anypb.Any {
	p.t.Helper()
	a, err := typeurl.MarshalAnyToProto(v)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// everyCall is a container that everything is done to.
func (p *taskRun) everyCall() {
	p.create("LONG")
	p.state("created", "")
	p.execCall("exec in created", "early", "true")
	p.kill("signal 0 to created", "", 0)
	p.startCall("start", "")
	p.Await("main")
	p.state("running", "")
	p.startCall("second start", "")
	call(&p.transcript, "connect", p.shim.Connect, p.ctx(), &taskapi.ConnectRequest{ID: p.ID})
	p.processes()
	p.paused()
	p.refused("running")
	p.missing()
	p.note("delete running", nil, second(p.Task.Delete(p.t.Context())))
	p.kill("SIGUSR1", "", int(syscall.SIGUSR1))
	p.WantTraceSoon("usr1")
	p.kill("SIGTERM", "", int(syscall.SIGTERM))
	call(&p.transcript, "wait", p.shim.Wait, p.ctx(), &taskapi.WaitRequest{ID: p.ID})
	p.exited("")
	p.state("stopped", "")
	p.startCall("start of stopped", "")
	p.kill("SIGTERM to stopped", "", int(syscall.SIGTERM))
	p.kill("SIGKILL to stopped", "", int(syscall.SIGKILL))
	p.execCall("exec in stopped", "late", "true")
	p.refused("stopped")
	call(&p.transcript, "shutdown with a container", p.shim.Shutdown, p.ctx(), &taskapi.ShutdownRequest{ID: p.ID})
	p.delete()
}

func second[T any](_ T, err error) error { return err }

// processes are the execs of a running container.
func (p *taskRun) processes() {
	p.execCall("exec", "quick", "sh", "-c", "exit 3")
	p.execCall("exec of the same id", "quick", "true")
	p.state("of created exec", "quick")
	p.startCall("start exec", "quick")
	p.exited("quick")
	call(&p.transcript, "wait exec", p.shim.Wait, p.ctx(), &taskapi.WaitRequest{ID: p.ID, ExecID: "quick"})
	p.state("of ended exec", "quick")
	p.startCall("second start of exec", "quick")
	p.kill("kill ended exec", "quick", int(syscall.SIGTERM))
	p.deleteExec("delete exec", "quick")
	p.deleteExec("second delete of exec", "quick")
	p.execCall("exec to kill", "slow", "sleep", "1000")
	p.startCall("start exec to kill", "slow")
	call(&p.transcript, "resize without terminal", p.shim.ResizePty, p.ctx(), &taskapi.ResizePtyRequest{ID: p.ID, ExecID: "slow", Width: 80, Height: 24})
	call(&p.transcript, "close stdin", p.shim.CloseIO, p.ctx(), &taskapi.CloseIORequest{ID: p.ID, ExecID: "slow", Stdin: true})
	p.deleteExec("delete running exec", "slow")
	p.kill("bad signal to exec", "slow", 99)
	p.kill("SIGTERM to exec", "slow", int(syscall.SIGTERM))
	p.exited("slow")
	p.deleteExec("delete killed exec", "slow")
	p.execCall("exec of nothing", "none", "/no/such/command")
	p.startCall("start of nothing", "none")
	p.deleteExec("delete nothing", "none")
}

// paused freezes a running container for a while.
func (p *taskRun) paused() {
	call(&p.transcript, "resume of running", p.shim.Resume, p.ctx(), &taskapi.ResumeRequest{ID: p.ID})
	call(&p.transcript, "pause", p.shim.Pause, p.ctx(), &taskapi.PauseRequest{ID: p.ID})
	p.state("paused", "")
	call(&p.transcript, "second pause", p.shim.Pause, p.ctx(), &taskapi.PauseRequest{ID: p.ID})
	p.startCall("start of paused", "")
	p.execCall("exec in paused", "frozen", "true")
	call(&p.transcript, "resume", p.shim.Resume, p.ctx(), &taskapi.ResumeRequest{ID: p.ID})
	p.state("resumed", "")
}

// refused are calls that few containers and machines are fit for.
func (p *taskRun) refused(when string) {
	p.kill("bad signal to "+when, "", 99)
	p.kill("signal 0 to "+when, "", 0)
	call(&p.transcript, "pids of "+when, p.onePid, p.ctx(), &taskapi.PidsRequest{ID: p.ID})
	stats, err := p.shim.Stats(p.ctx(), &taskapi.StatsRequest{ID: p.ID})
	p.note("stats of "+when, stats.GetStats().GetTypeUrl(), err)
	call(&p.transcript, "update of "+when, p.shim.Update, p.ctx(), &taskapi.UpdateTaskRequest{
		ID: p.ID, Resources: p.any(&specs.LinuxResources{Pids: &specs.LinuxPids{Limit: new(int64(100))}}),
	})
	call(&p.transcript, "update by nonsense of "+when, p.shim.Update, p.ctx(), &taskapi.UpdateTaskRequest{
		ID: p.ID, Resources: &anypb.Any{TypeUrl: "types.containerd.io/nonsense", Value: []byte("[")},
	})
	call(&p.transcript, "checkpoint of "+when, p.shim.Checkpoint, p.ctx(), &taskapi.CheckpointTaskRequest{ID: p.ID, Path: p.images})
}

// onePid is Pids without how many there are at the moment.
func (p *taskRun) onePid(ctx context.Context, r *taskapi.PidsRequest) (*taskapi.PidsResponse, error) {
	reply, err := p.shim.Pids(ctx, r)
	if len(reply.GetProcesses()) > 1 {
		reply.Processes = reply.Processes[:1]
	}
	return reply, err
}

// missing are calls for what is not there.
func (p *taskRun) missing() {
	for _, ids := range [][2]string{{"nobody", ""}, {p.ID, "nobody"}} {
		id, exec := ids[0], ids[1]
		step := func(name string) string { return name + " of missing " + id + "/" + exec }
		call(&p.transcript, step("state"), p.shim.State, p.ctx(), &taskapi.StateRequest{ID: id, ExecID: exec})
		call(&p.transcript, step("start"), p.shim.Start, p.ctx(), &taskapi.StartRequest{ID: id, ExecID: exec})
		call(&p.transcript, step("kill"), p.shim.Kill, p.ctx(), &taskapi.KillRequest{ID: id, ExecID: exec, Signal: 15})
		call(&p.transcript, step("SIGKILL"), p.shim.Kill, p.ctx(), &taskapi.KillRequest{ID: id, ExecID: exec, Signal: 9})
		call(&p.transcript, step("wait"), p.shim.Wait, p.ctx(), &taskapi.WaitRequest{ID: id, ExecID: exec})
		call(&p.transcript, step("delete"), p.shim.Delete, p.ctx(), &taskapi.DeleteRequest{ID: id, ExecID: exec})
		call(&p.transcript, step("resize"), p.shim.ResizePty, p.ctx(), &taskapi.ResizePtyRequest{ID: id, ExecID: exec})
		call(&p.transcript, step("close"), p.shim.CloseIO, p.ctx(), &taskapi.CloseIORequest{ID: id, ExecID: exec})
	}
	call(&p.transcript, "pids of missing", p.shim.Pids, p.ctx(), &taskapi.PidsRequest{ID: "nobody"})
	call(&p.transcript, "stats of missing", p.shim.Stats, p.ctx(), &taskapi.StatsRequest{ID: "nobody"})
	call(&p.transcript, "pause of missing", p.shim.Pause, p.ctx(), &taskapi.PauseRequest{ID: "nobody"})
	call(&p.transcript, "resume of missing", p.shim.Resume, p.ctx(), &taskapi.ResumeRequest{ID: "nobody"})
	call(&p.transcript, "connect of missing", p.shim.Connect, p.ctx(), &taskapi.ConnectRequest{ID: "nobody"})
	call(&p.transcript, "update of missing", p.shim.Update, p.ctx(), &taskapi.UpdateTaskRequest{ID: "nobody"})
	call(&p.transcript, "checkpoint of missing", p.shim.Checkpoint, p.ctx(), &taskapi.CheckpointTaskRequest{ID: "nobody"})
	call(&p.transcript, "exec of missing", p.shim.Exec, p.ctx(), &taskapi.ExecProcessRequest{ID: "nobody", ExecID: "e", Spec: p.any(&specs.Process{})})
	call(&p.transcript, "create without a bundle", p.shim.Create, p.ctx(), &taskapi.CreateTaskRequest{ID: "nobody", Bundle: "/no/such/bundle"})
}

// shortLived is a container that ends by itself.
func (p *taskRun) shortLived() {
	p.create("SHORT", "sh", "-c", "exit 7")
	p.startCall("start", "")
	call(&p.transcript, "wait", p.shim.Wait, p.ctx(), &taskapi.WaitRequest{ID: p.ID})
	p.state("ended", "")
	p.delete()
}

// killed is a container that is killed with all its processes.
func (p *taskRun) killed() {
	p.create("KILLED")
	p.startCall("start", "")
	p.Await("main")
	call(&p.transcript, "SIGKILL to all", p.shim.Kill, p.ctx(), &taskapi.KillRequest{ID: p.ID, Signal: 9, All: true})
	call(&p.transcript, "wait", p.shim.Wait, p.ctx(), &taskapi.WaitRequest{ID: p.ID})
	p.delete()
}

// unstarted is a container that is killed before it starts.
func (p *taskRun) unstarted() {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		p.create("UNSTARTED")
		p.kill(sig.String()+" to created", "", int(sig))
		p.exited("")
		p.state("of unstarted", "")
		p.kill("second signal", "", int(sig))
		p.startCall("start of killed", "")
		p.delete()
	}
}

// withoutCommand is a container whose command is not there.
func (p *taskRun) withoutCommand() {
	log := p.daemon.TestEvents(p.t)
	id := harness.NewID("t")
	p.alias(id, "COMMANDLESS")
	opts := p.opts
	opts.ID, opts.Args = id, []string{"/no/such/command"}
	task, err := p.daemon.Tasks.Create(p.t.Context(), opts)
	p.note("create of no command", nil, err)
	if err == nil {
		harness.Cleanup(p.t, task.Remove)
		err = task.Start(p.t.Context())
		p.note("start of no command", nil, err)
		_, err = task.Delete(p.t.Context(), containerd.WithProcessKill)
		p.note("delete of no command", nil, err)
	}
	p.events = append(p.events, taskEvents(log, id)...)
}
