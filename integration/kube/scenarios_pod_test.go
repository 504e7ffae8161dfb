package kube

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// also adds a container that runs a script.
func also(name, script string, postStart, preStop *corev1.LifecycleHandler) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		c := *pod.Spec.Containers[0].DeepCopy()
		c.Name, c.Command, c.Lifecycle = name, []string{"sh", "-c", script}, nil
		if postStart != nil || preStop != nil {
			c.Lifecycle = &corev1.Lifecycle{PostStart: postStart, PreStop: preStop}
		}
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
}

// first adds an init container that runs a script.
func first(name, script string, edit func(*corev1.Container)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		c := *pod.Spec.Containers[0].DeepCopy()
		c.Name, c.Command, c.Lifecycle = name, []string{"sh", "-c", script}, nil
		edit(&c)
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	}
}

// sidecar makes an init container one that runs beside the others.
func sidecar(postStart, preStop *corev1.LifecycleHandler) func(*corev1.Container) {
	return func(c *corev1.Container) {
		always := corev1.ContainerRestartPolicyAlways
		c.RestartPolicy = &always
		c.Lifecycle = &corev1.Lifecycle{PostStart: postStart, PreStop: preStop}
	}
}

// politely is polite under a name, once a pod has several containers.
func politely(name string) string {
	return "trap '" + note(name+":term") + "; exit 0' TERM; " + forever
}

func containerScenarios() []scenario {
	post, pre := shell(note("main:post")), shell(note("main:pre"))
	main := "trap '" + note("main:term") + "; exit 0' TERM; echo up > /fifo/main; " + forever
	return []scenario{
		{
			name: "two containers with hooks", act: deleted, apart: true,
			edit: edits(runs(main), hooks(post, pre), also("other", politely("other"), shell(note("other:post")), shell(note("other:pre")))),
		},
		{
			name: "containers start one after the other", act: deleted,
			edit: edits(runs(heard), hooks(shell("sleep 1; "+note("main:post")), nil), also("other", note("other:up")+"; "+polite, nil, nil),
				func(pod *corev1.Pod) {
					pod.Spec.Containers[1].Command[2] = note("other:up") + "; trap 'exit 0' TERM; " + forever
				}),
		},
		{
			name: "the first container's postStart fails", act: (*run).ended, apart: true,
			edit: edits(runs(politely("main")), never, hooks(shell(note("main:post")+"; exit 7"), pre),
				also("other", "sleep 1", shell(note("other:post")), nil)),
			differs: map[aspect]string{phase: failedStart, "main ended": failedStart, events: failedStart},
		},
		{
			name: "an init container", act: deleted,
			edit: edits(runs(main), hooks(post, pre), first("prepare", note("prepare:up"), func(*corev1.Container) {})),
		},
		{
			name: "a sidecar with postStart", act: deleted, apart: true,
			edit: edits(runs(main), hooks(post, pre), first("beside", politely("beside"), sidecar(shell(note("beside:post")), nil))),
		},
		{
			name: "a sidecar with preStop", act: deleted,
			edit:    edits(runs(main), hooks(post, shell("sleep 2; "+note("main:pre"))), first("beside", politely("beside"), sidecar(nil, shell(note("beside:pre"))))),
			differs: map[aspect]string{trace: sidecarStop},
		},
		{
			name: "a sidecar of a pod that ends", act: (*run).ended, apart: true,
			edit: edits(runs("sleep 1"), never, first("beside", politely("beside"), sidecar(shell(note("beside:post")), shell(note("beside:pre"))))),
		},
	}
}

func namespaceScenarios() []scenario {
	post, pre := shell(note("post")), shell(note("pre"))
	yes, no := true, false
	return []scenario{
		{
			name: "one process namespace", act: deleted,
			edit: edits(runs(heard), hooks(post, pre), func(pod *corev1.Pod) { pod.Spec.ShareProcessNamespace = &yes }),
		},
		{
			name: "the host's processes", act: deleted,
			edit: edits(runs(heard), hooks(post, pre), func(pod *corev1.Pod) { pod.Spec.HostPID = true }),
		},
		{
			name: "the host's network", act: deleted,
			edit: edits(runs(heard), hooks(post, pre), func(pod *corev1.Pod) { pod.Spec.HostNetwork = true }),
		},
		{
			name: "the host's IPC", act: deleted,
			edit: edits(runs(heard), hooks(post, pre), func(pod *corev1.Pod) { pod.Spec.HostIPC = true }),
		},
		{
			name: "a user namespace", act: deleted,
			edit: edits(runs(heard), hooks(post, pre), func(pod *corev1.Pod) { pod.Spec.HostUsers = &no }),
		},
	}
}

func probeScenarios() []scenario {
	post, pre := shell(note("post")), shell(note("pre"))
	probe := func(command string) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", command}}},
			PeriodSeconds: 1, FailureThreshold: 1,
		}
	}
	return []scenario{
		{
			name: "killed by its liveness probe",
			edit: edits(runs("echo x >> /fifo/tries; "+polite), hooks(post, pre), func(pod *corev1.Pod) {
				pod.Spec.Containers[0].LivenessProbe = probe("[ $(grep -c x /fifo/tries) -gt 1 ]")
			}),
			act: func(r *run) { r.restarted(1); r.delete() },
		},
		{
			name: "killed by its liveness probe, which has a grace period",
			edit: edits(runs("echo x >> /fifo/tries; trap '"+note("term")+"' TERM; "+forever), grace(60), hooks(post, pre), func(pod *corev1.Pod) {
				live := probe("[ $(grep -c x /fifo/tries) -gt 1 ]")
				seconds := int64(2)
				live.TerminationGracePeriodSeconds = &seconds
				pod.Spec.Containers[0].LivenessProbe = live
			}),
			act: func(r *run) { r.restarted(1); r.delete(2) },
		},
		{
			name: "started by its startup probe", act: deleted,
			edit: edits(runs(heard), hooks(shell("touch /fifo/started; "+note("post")), pre), func(pod *corev1.Pod) {
				up := probe("test -e /fifo/started")
				up.FailureThreshold = 100
				pod.Spec.Containers[0].StartupProbe = up
			}),
		},
		{
			name: "ready by a probe of what postStart serves", act: deleted,
			edit: edits(runs(heard), hooks(shell("mkdir /www && httpd -p 8080 -h /www; "+note("post")), pre), func(pod *corev1.Pod) {
				ready := probe("")
				ready.ProbeHandler = corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}
				ready.InitialDelaySeconds = 3 // in bookend's postStart no probe runs yet
				pod.Spec.Containers[0].ReadinessProbe = ready
			}),
		},
	}
}
