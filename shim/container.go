package shim

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	taskAPI "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/runc"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	runcC "github.com/containerd/go-runc"
	"github.com/containerd/log"
	"google.golang.org/grpc/status"

	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
	"bookend.dev/bookend/runtime"
	"bookend.dev/bookend/runtime/bundle"
	"bookend.dev/bookend/runtime/containerlog"
)

// container is a container with hooks: what its hooks need to know of it. What
// changes in its life belongs to its task.
type container struct {
	id        string
	subject   record.Subject
	store     *record.Store
	sandboxID string // empty outside CRI
	bundle    string
	runcRoot  string
	runtime   *runcC.Runc // the container's OCI runtime
	runner    *runtime.Runner
	lifecycle *hooks.Lifecycle
	log       *containerlog.Log // nil: hooks print into records only
	logger    *log.Entry        // at the level of this container
	gate      *gate
	task      *task
	unwatch   context.CancelFunc // ends the wait for the init's exit
	// target is set once: by Create, or by the Start of a container that is
	// restored from a checkpoint, which has no init before.
	target   atomic.Pointer[runtime.Container]
	begun    atomic.Pointer[runtime.Begun] // an exec postStart that waits for its time; nil: none
	run      atomic.Pointer[hookRun]       // the latest of a hook; nil: none has begun
	stopTold atomic.Pointer[latch]         // set when the latest record of an undelivered stop is complete; nil: there is none
	resumed  chan struct{}                 // holds one element when the container was resumed a moment ago
}

func (s *Service) newContainer(ctx context.Context, cr *creation) (*container, error) {
	r := cr.request
	ns, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return nil, err
	}
	opts, err := runc.ReadOptions(r.Bundle)
	if err != nil {
		return nil, err
	}
	if err := bundle.WriteRecordsDir(r.Bundle, cr.node.Records.Directory); err != nil {
		log.G(ctx).WithField("container", r.ID).WithError(err).Warn("bookend: should this shim die, records of this container are not completed")
	}
	return &container{
		id: r.ID, subject: subjectOf(ns, r.ID, cr.annotations), sandboxID: cr.annotations[hooks.AnnotationSandboxID],
		store:   s.storeOf(context.WithoutCancel(ctx), cr.node.Records),
		resumed: make(chan struct{}, 1), runtime: runtimeOf(ns, opts),
		bundle: r.Bundle, runcRoot: runcRoot(ns, opts), gate: cr.gate, lifecycle: cr.lifecycle, log: hookLog(ctx, r, cr.lifecycle), logger: log.G(ctx),
		runner: runtime.NewRunner(runtime.RunnerOptions{
			Binary: opts.GetBinaryName(), SystemdCgroup: opts.GetSystemdCgroup(), NoNewKeyring: opts.GetNoNewKeyring(),
			OwnRuntime: cr.node.Exec.Entry == hooks.EntryRuntime, Directory: cr.node.Records.Directory,
			Told: func(runner, reason string) { toldRunner(ctx, r.ID, runner, reason) },
		}),
	}, nil
}

// begin starts the container's task and the watch over its init and sandbox.
// ctx carries the namespace and never ends: the task outlives every call.
func (s *Service) begin(ctx context.Context, c *container, restored bool) {
	c.task = newTask(ctx, c.id, c.lifecycle, restored, effects{
		runHook: func(ctx context.Context, a runHook) hooks.Result { return s.runHook(ctx, c, a) },
		signal: func(ctx context.Context, d delivery) (bool, error) {
			go c.discardBegun(ctx)
			if err := s.signal(ctx, c.id, d); err != nil {
				return isGone(err), errors.New(status.Convert(err).Message())
			}
			return false, nil
		},
		unsent: func(d delivery, attempt int, err error) { s.unsent(c, d, attempt, err) },
		undelivered: func(d delivery, due time.Time, err error, over <-chan bool) {
			s.undelivered(c, d, due, err, over)
		},
		unheeded: func(sig syscall.Signal) {
			what := "the container ended after " + hooks.SignalName(sig) + ", which is none of its stopSignals: its preStop did not run"
			s.reporter.tell(hookReport{logger: c.logger, id: c.id, warning: what})
		},
		alive:   func() hooks.Liveness { return c.target.Load().Init.Liveness() },
		release: func(exited bool) { s.release(ctx, c, exited) },
		report: func(res hooks.Result) {
			c.run.Load().settle(res)
			s.reporter.tell(c.reportOf(res.Point, res.Handler, &res))
		},
		postStatus: c.postStatus,
	})
	ctx, c.unwatch = context.WithCancel(ctx)
	s.add(c)
	s.memory.use()() // what Create has used
	go c.task.guard(ctx, func() { s.watch(ctx, c, c.id, initExited{}) })
	if c.sandboxID != "" {
		go c.task.guard(ctx, func() { s.watch(ctx, c, c.sandboxID, sandboxGone{}) })
	}
}

// watch tells the container's task when the init of a container has exited. It
// asks the inner service itself: the event of the exit may be stuck behind
// others that containerd, being away, does not take.
func (s *Service) watch(ctx context.Context, c *container, id string, ev event) {
	if _, err := s.inner().Wait(ctx, &taskAPI.WaitRequest{ID: id}); err == nil {
		go c.discardBegun(ctx)
		c.task.tell(ev)
	}
}

// release lets the held events go. The inner service tells of an exit before it
// has sent the event: a moment is given to it, so that it goes out in its place
// before Start replies.
func (s *Service) release(ctx context.Context, c *container, exited bool) {
	c.discardBegun(ctx)
	if exited {
		c.gate.exited.await(ctx, exitOutTime)
	}
	s.publisher.release(ctx, c.gate)
}

// readInit reads what has to be known of the init while it is parked in the
// container's own cgroup and cannot have changed anything yet.
func (s *Service) readInit(ctx context.Context, c *container, pid int) error {
	initProcess, err := runtime.ReadInit(pid)
	if err != nil {
		return err
	}
	cgroup, err := s.executor.ReadCgroup(pid)
	if err != nil {
		log.G(ctx).WithField("container", c.id).WithError(err).Warn("bookend: exec hooks of this container get no cgroup of their own")
	}
	c.gate.know(uint32(pid))
	t := &runtime.Container{ID: c.id, Bundle: c.bundle, RuncRoot: c.runcRoot, Init: initProcess, Cgroup: cgroup, Runner: c.runner}
	c.target.Store(t)
	if c.lifecycle.HasExec() {
		s.executor.Plan(ctx, *t)
	}
	return nil
}

func (c *container) reportOf(p hooks.Point, handler string, res *hooks.Result) hookReport {
	return hookReport{logger: c.logger, id: c.id, name: c.subject.Name, point: p, kind: handler, result: res}
}

// beginPostStart begins an exec postStart while the runtime starts the
// entrypoint. A container that is restored from a checkpoint has none to run.
// What ends a container, or begins to, discards it: the exit of the init or the
// sandbox, the first signal or preStop, Delete, and whatever Start comes to.
func (s *Service) beginPostStart(ctx context.Context, c *container) {
	h, t := c.lifecycle.PostStart, c.target.Load()
	if h == nil || h.Exec == nil || t == nil {
		return
	}
	c.begun.Store(s.executor.Begin(ctx, *t, h.Exec, c.linesOf(h)))
}

// discardBegun ends a postStart that has begun and does not run, and returns when
// it is gone. Another call that does the same is waited for.
func (c *container) discardBegun(ctx context.Context) {
	b := c.begun.Load()
	b.Discard(ctx)
	c.begun.CompareAndSwap(b, nil)
}

// toldRunner logs how exec hooks get into a container.
func toldRunner(ctx context.Context, id, runner, reason string) {
	l := log.G(ctx).WithFields(log.Fields{"container": id, "runner": runner})
	if reason == "" {
		l.Debug("bookend: exec hooks of this container are run by the joiner")
		return
	}
	l.WithField("reason", reason).Info("bookend: exec hooks of this container go through the exec of its runtime")
}

func (s *Service) runHook(ctx context.Context, c *container, a runHook) hooks.Result {
	defer s.memory.use()()
	h := a.hook
	run, outcome := c.newRun(h, a.traceparent), hooks.Failed
	defer func() { run.close(outcome) }()
	if h.Point == hooks.PreStop {
		c.discardBegun(ctx)
	}
	s.reporter.tell(c.reportOf(h.Point, h.HandlerName(), nil))
	t := c.target.Load()
	res := hooks.Run(ctx, h, s.handler(c, t, h), t.Init.Liveness, run.begin)
	outcome = res.Outcome
	return res
}
