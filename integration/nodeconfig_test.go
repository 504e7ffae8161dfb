package integration

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"bookend.dev/bookend/integration/harness"
)

// The tests in this file are about the node's configuration.

// defaultPreStop is a configuration whose default preStop notes a word.
func defaultPreStop(word string) string {
	return "[defaults.preStop.exec]\ncommand = ['sh', '-c', 'echo " + word + " >> /fifo/trace']\n"
}

// without is a container without any annotation.
func without(o *harness.TaskOptions) { o.Annotations = nil }

// setConfig gives the node a configuration until the test ends.
func setConfig(t *testing.T, d *harness.Daemon, content string) {
	t.Helper()
	if err := d.SetBookendConfig(content); err != nil {
		t.Fatal(err)
	}
	harness.Cleanup(t, func(context.Context) error { return d.SetBookendConfig("") })
}

func TestConfigsPreStopIsForContainersWithoutTheirOwn(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, defaultPreStop("default"))
	tests := map[string]struct {
		lifecycle string // empty: no annotation
		want      []string
	}{
		"no annotation":    {"", []string{"default", "term"}},
		"another hook":     {`{"postStart":` + note("post") + `}`, []string{"post", "default", "term"}},
		"no hook":          {`{"terminationGracePeriodSeconds":60}`, []string{"default", "term"}},
		"its own":          {`{"preStop":` + note("own") + `}`, []string{"own", "term"}},
		"none, switch off": {`{"preStop":null}`, []string{"term"}},
	}
	for name, tt := range tests {
		t.Run("task/"+name, func(t *testing.T) {
			h := harness.RunTask(t, d, tt.lifecycle, func(o *harness.TaskOptions) {
				if tt.lifecycle == "" {
					without(o)
				}
			})
			h.Stop()
			h.WantTrace(tt.want...)
		})
	}
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	for name, tt := range tests {
		t.Run("pod/"+name, func(t *testing.T) {
			opts := harness.ContainerOptions{Name: "main"}
			if tt.lifecycle != "" {
				opts.Annotations = map[string]string{harness.PodLifecycleKey: tt.lifecycle}
			}
			m := harness.RunContainer(t, pod, opts)
			m.Stop()
			m.WantTrace(tt.want...)
			if err := m.Container.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConfigsTimeoutsAreForHooksWithoutTheirOwn(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, "[defaults]\npostStartTimeoutSeconds = 1\npreStopTimeoutSeconds = 1\n")
	const hour = `{"sleep":{"seconds":3600}}`
	t.Run("postStart", func(t *testing.T) {
		h := harness.CreateTask(t, d, `{"postStart":`+hour+`}`)
		reply := h.Begin(t.Context())
		h.Await("main")
		if err := wantReply(t, reply); !isAborted(t, err) || !strings.Contains(err.Error(), "sleep: timed out after 1") {
			t.Errorf("Start: %v, want Aborted with the timeout", err)
		}
	})
	t.Run("preStop", func(t *testing.T) {
		h := harness.RunTask(t, d, `{"preStop":`+hour+`}`)
		h.Stop()
		if ev := h.WantHookEvent("preStop", "timeout"); ev["outcome"] != "TimedOut" {
			t.Errorf("event %v, want TimedOut", ev)
		}
	})
	t.Run("its own", func(t *testing.T) {
		// Two seconds are over the node's one.
		harness.RunTask(t, d, `{"postStart":{"timeoutSeconds":60,"sleep":{"seconds":2}}}`)
	})
}

func TestConfigIsReadAtCreateAndFixed(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, defaultPreStop("old"))
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	task := harness.RunTask(t, d, "", without)
	before := harness.RunContainer(t, pod, harness.ContainerOptions{})
	setConfig(t, d, defaultPreStop("new"))
	after := harness.RunContainer(t, pod, harness.ContainerOptions{}) // by the shim that read the old one
	task.Stop()
	before.Stop()
	after.Stop()
	task.WantTrace("old", "term")
	before.WantTrace("old", "term")
	after.WantTrace("new", "term")
}

func TestConfigAllowUserLetsAHookChangeItsUser(t *testing.T) {
	d := shared.Daemon(t)
	setConfig(t, d, "[policy]\nallowUser = true\n")
	for user, want := range map[string]string{"1000": "1000:1000", "4242": "4242:0", "1000:7": "1000:7", "nobody": "65534:65534"} {
		t.Run(user, func(t *testing.T) {
			h := harness.RunTask(t, d, `{"postStart":{"exec":{"user":"`+user+`","command":["sh","-c","echo $(id -u):$(id -g) >> /fifo/trace"]}}}`)
			h.WantTrace(want)
		})
	}
}

func TestConfigAllowHostsLetsAHookReachAnotherHost(t *testing.T) {
	d := shared.Daemon(t)
	peer := d.TestPod(t, harness.PodOptions{Handler: harness.Runc})
	server := serve(t, peer, harness.ContainerOptions{})
	ip, err := peer.IP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	setConfig(t, d, "[policy]\nallowHosts = ['"+ip+"/32']\n")
	pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
	m := harness.RunContainer(t, pod, harness.ContainerOptions{Name: "main", Annotations: map[string]string{
		harness.PodLifecycleKey: `{"postStart":{"httpGet":{"host":"` + ip + `","port":80,"path":"/peer"}}}`,
	}})
	wantRequest(t, server, "/peer")
	// A status is written a moment late; who takes stock must not find it new.
	err = harness.Poll(t.Context(), harness.EndTimeout, "the status", func() error {
		_, err := os.Stat(statusPath(d, harness.CRINamespace, m.ID))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, d, pod, map[string]string{harness.PodLifecycleKey: `{"preStop":{"httpGet":{"host":"192.0.2.1","port":80}}}`},
		`preStop.httpGet.host: "192.0.2.1" is not allowed on this node (policy.allowHosts)`)
}

func TestConfigThatIsInvalidIsOnlyForThoseWhoAskForHooks(t *testing.T) {
	d := shared.Daemon(t)
	for name, tt := range map[string]struct{ content, want string }{
		"grammar": {defaultPreStop("default") + "\n[policy]\nallowUsers = true\n", "policy.allowUsers: unknown field, expected one of allowHandlers, allowUser, allowHosts, allowContainerOutput, maxPostStartTimeoutSeconds, maxPreStopTimeoutSeconds, maxRetries (line 5)"},
		"syntax":  {"\n[policy\n", "is not valid TOML: expected ']' to close table name (line 2)"},
	} {
		t.Run(name, func(t *testing.T) {
			setConfig(t, d, tt.content)
			want := "config " + d.Path("bookend.toml") + ": " + tt.want
			wantUnusable(t, d)
			h := harness.RunTask(t, d, "", without)
			h.WantLog(want)
			h.Stop()
			h.WantTrace("term")

			pod := d.TestPod(t, harness.PodOptions{Handler: harness.Bookend})
			id := refused(t, d, pod, map[string]string{harness.PodLifecycleKey: `{"preStop":{"sleep":{}}}`}, unusable)
			d.WantLog(t, id, want)
			m := harness.RunContainer(t, pod, harness.ContainerOptions{})
			m.Stop()
			m.WantTrace("term")
		})
	}
}

func TestConfigThatIsNamedMustBeThere(t *testing.T) {
	d := harness.StartDaemon(t, harness.Options{Env: []string{"BOOKEND_CONFIG=/no/such/config.toml"}})
	wantUnusable(t, d)
	h := harness.RunTask(t, d, "", without)
	h.WantLog("/no/such/config.toml")
	h.Stop()
	h.WantTrace("term")
}

// unusable is what the author of an annotation is told of a node's configuration.
const unusable = ": cannot be applied, the node's configuration is invalid; the node's log says why"

// wantUnusable has a container with an annotation refused, without the reason.
func wantUnusable(t *testing.T, d *harness.Daemon) {
	t.Helper()
	_, err := d.Tasks.Create(t.Context(), harness.TaskOptions{
		Runtime: harness.BookendRuntime, Annotations: map[string]string{harness.LifecycleKey: `{"preStop":{"sleep":{}}}`},
	})
	if !errdefs.IsInvalidArgument(err) || !strings.HasSuffix(messageOf(t, err), "annotation "+harness.LifecycleKey+unusable) {
		t.Errorf("Create: %v, want InvalidArgument that ends in %q", err, unusable)
	}
}
