package kube

import (
	corev1 "k8s.io/api/core/v1"
)

// obeysUSR1 notes which of two signals ends it.
func obeysUSR1() string {
	return "trap '" + note("USR1") + "; exit 0' USR1; trap '" + note("TERM") + "; exit 0' TERM; echo up > /fifo/main; " + forever
}

func signalScenarios() []scenario {
	pre := shell(note("pre"))
	ofImage := func(pod *corev1.Pod) { pod.Spec.Containers[0].Image = stopImage }
	stopSignal := func(signal corev1.Signal) func(*corev1.Pod) {
		return func(pod *corev1.Pod) {
			pod.Spec.OS = &corev1.PodOS{Name: corev1.Linux}
			pod.Spec.Containers[0].Lifecycle.StopSignal = &signal
		}
	}
	return []scenario{
		{name: "an image with another STOPSIGNAL, no hook", edit: edits(runs(obeysUSR1()), ofImage), act: deleted},
		{
			name: "an image with another STOPSIGNAL", act: deleted,
			edit:    edits(runs(obeysUSR1()), ofImage, hooks(nil, pre)),
			differs: map[aspect]string{trace: whichSignal},
		},
		{name: "stopSignal", edit: edits(runs(obeysUSR1()), hooks(nil, pre), stopSignal(corev1.SIGUSR1)), act: deleted},
		{name: "stopSignal that is SIGTERM", edit: edits(runs(obeysUSR1()), hooks(nil, pre), stopSignal(corev1.SIGTERM)), act: deleted},
	}
}
