package kube

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// httpGet is a handler that asks main's server.
func httpGet(path string, port int32) *corev1.LifecycleHandler {
	return &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt32(port)}}
}

// served has main notes of requests: a server of busybox runs a script for each.
func served(pod *corev1.Pod) {
	script := `mkdir -p /www/cgi-bin
printf '#!/bin/sh\necho "$QUERY_STRING" >> /fifo/trace\nprintf "Content-Type: text/plain\\r\\n\\r\\nok"\n' > /www/cgi-bin/note
chmod +x /www/cgi-bin/note
httpd -p "${PORT:-8080}" -h /www
` + heard
	pod.Spec.Containers[0].Command = []string{"sh", "-c", script}
}

// noted is the request that the server notes as a word.
func noted(word string) *corev1.LifecycleHandler { return httpGet("/cgi-bin/note?"+word, 8080) }

func handlerScenarios() []scenario {
	post, pre := shell(note("post")), shell(note("pre"))
	return []scenario{
		{name: "exec, both hooks", edit: edits(runs(heard), hooks(post, pre)), act: deleted},
		{name: "exec, postStart alone", edit: edits(runs(heard), hooks(post, nil)), act: deleted},
		{name: "exec, preStop alone", edit: edits(runs(heard), hooks(nil, pre)), act: deleted},
		{name: "no hook", edit: runs(heard), act: deleted},
		{name: "httpGet, preStop", edit: edits(served, hooks(nil, noted("pre"))), act: deleted},
		{name: "httpGet, preStop, answered 404", edit: edits(served, hooks(nil, httpGet("/none", 8080))), act: deleted},
		{
			name: "httpGet, preStop, named port", act: deleted,
			edit: edits(served, hooks(nil, noted("pre")), func(pod *corev1.Pod) {
				main := &pod.Spec.Containers[0]
				main.Ports = []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}}
				main.Lifecycle.PreStop.HTTPGet.Port = intstr.FromString("web")
			}),
		},
		{name: "sleep, both hooks", edit: edits(runs(heard), hooks(sleep(1), sleep(1))), act: deleted},
		{name: "sleep of nothing", edit: edits(runs(heard), hooks(sleep(0), sleep(0))), act: deleted},
		{
			name: "exec, what a hook reads", act: deleted,
			edit: edits(runs(heard), hooks(shell(`echo "$GREETING $PWD $(id -u) $(id -g) $HOSTNAME" | sed "s/$HOSTNAME/me/" >> /fifo/trace`), pre), func(pod *corev1.Pod) {
				main := &pod.Spec.Containers[0]
				user := int64(1000)
				main.Env = []corev1.EnvVar{{Name: "GREETING", Value: "hello"}}
				main.WorkingDir = "/tmp"
				main.SecurityContext = &corev1.SecurityContext{RunAsUser: &user, RunAsGroup: &user}
			}),
		},
		{
			name: "exec, read-only root", act: deleted,
			edit: edits(runs(heard), hooks(shell("touch /x || "+note("post")), pre), func(pod *corev1.Pod) {
				yes := true
				pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: &yes}
			}),
		},
		{
			name: "exec, postStart that takes its time",
			edit: edits(runs(heard), hooks(shell(at("post")), pre)),
			act: func(r *run) {
				r.hear("main")
				r.hear("post")
				r.let("post-go")
				r.until("the pod to be ready", ready)
				r.delete()
			},
		},
	}
}

func failureScenarios() []scenario {
	pre := shell(note("pre"))
	return []scenario{
		{
			name: "postStart fails, never restarted", act: (*run).ended,
			edit:    edits(runs(polite), never, hooks(shell(note("post")+"; exit 7"), pre)),
			differs: map[aspect]string{phase: failedStart, "main ended": failedStart, events: failedStart},
		},
		{
			name:    "postStart fails twice",
			edit:    edits(runs(polite), hooks(shell(note("post")+"; "+failing(2)), pre)),
			act:     func(r *run) { r.restarted(2); r.delete() },
			differs: map[aspect]string{events: failedStart},
		},
		{
			name:    "postStart fails twice, restarted on failure",
			edit:    edits(runs("trap '"+note("term")+"; exit 3' TERM; "+forever), onFailure, hooks(shell(note("post")+"; "+failing(2)), pre)),
			act:     func(r *run) { r.restarted(2); r.delete() },
			differs: map[aspect]string{events: failedStart},
		},
		{
			name: "postStart is no program", act: (*run).ended,
			edit:    edits(runs(polite), never, hooks(command("/none"), pre)),
			differs: map[aspect]string{phase: failedStart, "main ended": failedStart, events: failedStart},
		},
		{
			name: "postStart finds no server", act: (*run).ended,
			edit:    edits(runs(polite), never, hooks(httpGet("/", 1), pre)),
			differs: map[aspect]string{phase: failedStart, "main ended": failedStart, events: failedStart},
		},
		{name: "preStop fails", edit: edits(runs(heard), hooks(nil, shell(note("pre")+"; exit 7"))), act: deleted},
		{name: "preStop is no program", edit: edits(runs(heard), hooks(nil, command("/none"))), act: deleted},
		{name: "preStop finds no server", edit: edits(runs(heard), hooks(nil, httpGet("/", 1))), act: deleted},
		{
			name: "preStop hangs", act: deleted,
			edit: edits(runs(heard), grace(4), hooks(nil, shell(note("pre")+"; sleep 1000"))),
		},
		{
			name: "preStop hangs and SIGTERM is ignored", act: deleted,
			edit: edits(runs(deaf), grace(4), hooks(nil, shell(note("pre")+"; sleep 1000"))),
		},
		{
			name: "preStop sleeps longer than it may", act: deleted,
			edit:    edits(runs(heard), grace(3), hooks(nil, sleep(3))),
			differs: map[aspect]string{events: shareOfG},
		},
	}
}
