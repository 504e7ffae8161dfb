package kube

import (
	corev1 "k8s.io/api/core/v1"
)

func graceScenarios() []scenario {
	pre := shell(note("pre"))
	slow := shell(note("pre") + "; sleep 1000")
	return []scenario{
		{name: "SIGTERM is ignored", edit: edits(runs(deaf), grace(2), hooks(nil, pre)), act: deleted},
		{name: "SIGTERM is ignored, no hook", edit: edits(runs(deaf), grace(2)), act: deleted},
		{name: "deleted with a longer grace period", edit: edits(runs(heard), grace(5), hooks(nil, pre)), act: func(r *run) { r.up(); r.delete(60) }},
		{
			name: "deleted with a shorter grace period", edit: edits(runs(heard), grace(60), hooks(nil, slow)),
			act:     func(r *run) { r.up(); r.delete(3) },
			differs: map[aspect]string{trace: shorter, "main ended": shorter, phase: shorter, events: shorter},
		},
		{name: "deleted within a second", edit: edits(runs(heard), hooks(nil, pre)), act: func(r *run) { r.up(); r.delete(1) }},
		{name: "deleted by force", edit: edits(runs(heard), hooks(nil, pre)), act: func(r *run) { r.up(); r.delete(0) }},
		{name: "evicted", edit: edits(runs(heard), hooks(nil, pre)), act: func(r *run) { r.up(); r.evict() }},
		{
			name: "past its deadline", act: (*run).ended,
			edit: edits(runs(polite), never, hooks(nil, pre), func(pod *corev1.Pod) {
				seconds := int64(3)
				pod.Spec.ActiveDeadlineSeconds = &seconds
			}),
		},
		{
			name: "deleted twice", edit: edits(runs(heard), hooks(nil, shell(at("pre")))),
			act: func(r *run) {
				r.up()
				r.delete()
				r.hear("pre")
				r.delete(20)
				r.let("pre-go")
			},
		},
		{
			name: "deleted during postStart",
			edit: edits(runs(heard), hooks(shell("echo up > /fifo/post; sleep 5; "+note("post")), pre)),
			act:  duringPostStart,
		},
		{
			name: "deleted during a postStart that is longer than the grace period",
			edit: edits(runs(heard), grace(2), hooks(shell("echo up > /fifo/post; sleep 8; "+note("post")), pre)),
			act:  duringPostStart,
		},
	}
}

// duringPostStart deletes the pod while its postStart runs.
func duringPostStart(r *run) {
	r.hear("main")
	r.hear("post")
	r.delete()
}

func exitScenarios() []scenario {
	post, pre := shell(note("post")), shell(note("pre"))
	hanging := shell("sleep 1000")
	return []scenario{
		{name: "exits by itself", edit: edits(runs("sleep 1"), never, hooks(post, pre)), act: (*run).ended},
		{name: "exits with an error", edit: edits(runs("sleep 1; exit 5"), never, hooks(post, pre)), act: (*run).ended},
		{
			name: "exits with an error twice",
			edit: edits(runs(trapped+"sleep 1 & wait $!; "+failing(2)+" || exit 5; "+forever), onFailure, hooks(post, pre)),
			act:  func(r *run) { r.restarted(2); r.delete() },
		},
		{
			name: "exits once, always restarted",
			edit: edits(runs(trapped+"sleep 1 & wait $!; "+failing(1)+" || exit 0; "+forever), hooks(post, pre)),
			act:  func(r *run) { r.restarted(1); r.delete() },
		},
		{
			name: "exits during postStart", act: (*run).ended,
			edit:    edits(runs("sleep 1"), never, hooks(hanging, pre)),
			differs: map[aspect]string{events: exitInHook},
		},
		{
			name: "fails during postStart", act: (*run).ended,
			edit:    edits(runs("sleep 1; exit 3"), never, hooks(hanging, pre)),
			differs: map[aspect]string{events: exitInHook},
		},
		{
			name: "exits during preStop", act: deleted,
			edit:    edits(runs("trap 'exit 4' USR1; echo up > /fifo/main; "+forever), hooks(nil, shell(note("pre")+"; kill -USR1 1; sleep 1000"))),
			differs: map[aspect]string{events: exitInHook},
		},
		{
			// It ends when the hook has, not with it, and hears of no second signal.
			name: "killed by preStop", act: deleted,
			edit: edits(runs("trap 'trap \"\" TERM; "+note("term")+"; sleep 2; exit 6' TERM; echo up > /fifo/main; "+forever), hooks(nil, shell(note("pre")+"; kill -TERM 1"))),
		},
	}
}
