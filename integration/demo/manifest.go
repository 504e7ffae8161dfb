package main

import (
	"fmt"
	"strings"

	"bookend.dev/bookend/integration/harness"
)

// What the pod's author writes. The postStart command is the one of the
// Kubernetes documentation's lifecycle example; its preStop runs `nginx -s
// quit`, which here is a request to the server's shutdown path.
const (
	webLifecycle = `postStart:
  exec:
    command: ["/bin/sh", "-c", "echo Hello from the postStart handler > /usr/share/message"]
preStop:
  httpGet:
    port: 80
    path: /shutdown
`
	brokenLifecycle = `postStart:
  exec:
    command: ["/bin/sh", "-c", "exit 7"]
preStop:
  sleep:
    seconds: 2
`
)

const (
	podName    = "lifecycle-demo"
	webName    = "web"
	brokenName = "broken"

	page    = "Hello from the postStart handler\n"
	pageURL = "/message"

	gracePeriodSeconds = 60
)

// pod is the sandbox's request. The kubelet puts a Pod's annotations there.
func pod() harness.PodOptions {
	return harness.PodOptions{
		Name:    podName,
		Handler: harness.Bookend,
		Annotations: map[string]string{
			harness.LifecyclePrefix + webName:    webLifecycle,
			harness.LifecyclePrefix + brokenName: brokenLifecycle,
		},
	}
}

// server is the request for a container that serves volume, a directory of the
// host, on a port, and writes into its log what happens to it.
func server(name, volume string, port int) harness.ContainerOptions {
	return harness.ContainerOptions{
		Name:  name,
		Image: harness.TestserverImage,
		// As arguments, since crictl's form of variables differs by its version.
		Command: []string{
			"env", "TIMELINE=/dev/stdout", "ROOT=/usr/share", fmt.Sprintf("HTTP=:%d", port), "HTTPS=-", "/testserver",
		},
		Mounts: map[string]string{volume: "/usr/share"},
		// The kubelet's record of terminationGracePeriodSeconds.
		Annotations: map[string]string{harness.GracePeriodKey: fmt.Sprint(gracePeriodSeconds)},
	}
}

// manifest is the pod as its author would write it, in so far as it is bookend's.
func manifest() string {
	var b strings.Builder
	fmt.Fprintf(&b, "metadata:\n  name: %s\n  annotations:\n", podName)
	for _, a := range []struct{ container, lifecycle string }{{webName, webLifecycle}, {brokenName, brokenLifecycle}} {
		fmt.Fprintf(&b, "    %s: |\n%s", harness.LifecyclePrefix+a.container, indent(a.lifecycle, "      "))
	}
	fmt.Fprintf(&b, "spec:\n  runtimeClassName: %s\n  terminationGracePeriodSeconds: %d\n", harness.Bookend, gracePeriodSeconds)
	return b.String()
}

func indent(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}
