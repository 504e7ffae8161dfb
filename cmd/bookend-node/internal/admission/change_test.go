package admission

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// podOf has the class and annotations, in JSON, and an ephemeral container.
func podOf(class, annotations, ephemeral string) []byte {
	return []byte(`{"metadata": {"annotations": ` + annotations + `}, "spec": {"runtimeClassName": "` + class +
		`", "containers": [{"name": "web"}], "ephemeralContainers": [` + ephemeral + `]}}`)
}

func TestAnnotationsOfAPodThatExistsMustNotChange(t *testing.T) {
	const (
		none    = `{}`
		foreign = `{"example.com/x": "1"}`
		five    = `{"lifecycle.bookend.dev/web": "preStop: {sleep: {seconds: 5}}"}`
		six     = `{"lifecycle.bookend.dev/web": "preStop: {sleep: {seconds: 6}}"}`
		both    = `{"lifecycle.bookend.dev/web": "preStop: {sleep: {seconds: 5}}", "example.com/x": "2"}`
		sidecar = `{"bookend.dev/sidecar-pre-stop": "bookend"}`
		plain   = `{"bookend.dev/lifecycle": ""}`
		invalid = `{"lifecycle.bookend.dev/web": "nonsense"}`
	)
	for _, c := range []struct {
		name, class, old, changed string
		refused                   string // the annotation
	}{
		{"one is added", "bookend", none, five, "lifecycle.bookend.dev/web"},
		{"one is added where there were none at all", "bookend", `null`, five, "lifecycle.bookend.dev/web"},
		{"one goes", "bookend", five, none, "lifecycle.bookend.dev/web"},
		{"one changes", "bookend", five, six, "lifecycle.bookend.dev/web"},
		{"the choice for sidecars is added", "bookend", foreign, sidecar, "bookend.dev/sidecar-pre-stop"},
		{"an empty one is added", "bookend", none, plain, "bookend.dev/lifecycle"},
		{"one becomes valid", "bookend", invalid, five, "lifecycle.bookend.dev/web"},
		{"another's changes", "bookend", five, both, ""},
		{"none changes", "bookend", five, five, ""},
		{"none changes, and one is invalid since before", "bookend", invalid, invalid, ""},
		{"the pod is not ours", "gvisor", five, six, ""},
		{"the pod has no class", "", five, six, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := newAdmitter(t).Update(podOf(c.class, c.old, ""), podOf(c.class, c.changed, ""), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.refused == "" && v.Refused != "" || !strings.HasPrefix(v.Refused, prefixOf(c.refused)) {
				t.Errorf("refused: %q", v.Refused)
			}
			if len(v.Patch) > 0 {
				t.Errorf("patched %v", v.Patch)
			}
		})
	}
}

func prefixOf(key string) string {
	if key == "" {
		return ""
	}
	return "metadata.annotations[" + key + "]: must not change"
}

func TestAnnotationsWaitForEphemeralContainers(t *testing.T) {
	const (
		valid   = `{"lifecycle.bookend.dev/debug": "preStop: {sleep: {seconds: 5}}"}`
		invalid = `{"lifecycle.bookend.dev/debug": "preStop: {sleep: {second: 5}}"}`
		host    = `{"lifecycle.bookend.dev/debug": "preStop: {httpGet: {host: 127.0.0.1, port: 80}}"}`
		debug   = `{"name": "debug"}`
	)
	baseline := map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}
	for _, c := range []struct {
		name, annotations, old, joined, refused string
	}{
		{"valid", valid, "", debug, ""},
		{"invalid", invalid, "", debug, "metadata.annotations[lifecycle.bookend.dev/debug].preStop.sleep.second: unknown field"},
		{"invalid, but of one that is there already", invalid, debug, debug, ""},
		{"forbidden by Pod Security", host, "", debug, "metadata.annotations[lifecycle.bookend.dev/debug].preStop.httpGet.host: violates PodSecurity"},
		{"forbidden, but of one that is there already", host, debug, debug, ""},
		{"invalid, but of two, which the API server refuses", invalid, "", debug + "," + debug, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := newAdmitter(t).Update(podOf("bookend", c.annotations, c.old), podOf("bookend", c.annotations, c.joined), baseline)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(v.Refused, c.refused) || c.refused == "" && v.Refused != "" {
				t.Errorf("refused: %q", v.Refused)
			}
		})
	}
}

func TestABindingHasNoAnnotationsOfBookends(t *testing.T) {
	for annotations, refused := range map[string]bool{
		`null`: false, `{}`: false, `{"example.com/x": "1"}`: false,
		`{"lifecycle.bookend.dev/web": "preStop: null"}`: true,
		`{"bookend.dev/sidecar-pre-stop": "bookend"}`:    true,
	} {
		v, err := newAdmitter(t).Bind([]byte(`{"metadata": {"name": "web", "annotations": ` + annotations + `}, "target": {"name": "node1"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if (v.Refused != "") != refused {
			t.Errorf("%s: refused: %q", annotations, v.Refused)
		}
	}
}

func TestMalformedChanges(t *testing.T) {
	a := newAdmitter(t)
	good := podOf("bookend", "{}", "")
	for _, of := range [][2][]byte{{[]byte("{"), good}, {good, []byte("{")}, {nil, good}} {
		if v, err := a.Update(of[0], of[1], nil); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20s, %.20s: %+v, %v", of[0], of[1], v, err)
		}
	}
	if v, err := a.Bind([]byte("[]")); !errors.Is(err, ErrMalformed) {
		t.Errorf("%+v, %v", v, err)
	}
}

// As `kubectl apply` of a manifest does that was applied before.
func TestALifecycleThatIsAddedAgainIsMovedAgain(t *testing.T) {
	const (
		five    = `{"preStop": {"sleep": {"seconds": 5}}}`
		six     = `{"preStop": {"sleep": {"seconds": 6}}}`
		both    = `{"postStart": {"exec": {"command": ["true"]}}, "preStop": {"sleep": {"seconds": 5}}}`
		usr1    = `{"preStop": {"sleep": {"seconds": 5}}, "stopSignal": "SIGUSR1"}`
		signal  = `{"stopSignal": "SIGUSR1"}`
		noted   = `preStop: {sleep: {seconds: 5}}`
		notedUp = `{preStop: {sleep: {seconds: 5}}, stopSignal: SIGUSR1}`
	)
	for _, c := range []struct{ name, annotation, old, changed, removed string }{
		{"the same", noted, "", five, "/spec/containers/0/lifecycle"},
		{"another preStop", noted, "", six, ""},
		{"with a postStart more", noted, "", both, ""},
		{"beside a stopSignal that stayed", notedUp, signal, usr1, "/spec/containers/0/lifecycle/preStop"},
		{"it was there", noted, five, five, ""},
		{"there is no annotation", "", "", five, ""},
		{"the annotation is invalid", "nonsense", "", five, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := newAdmitter(t).Update(lively(c.annotation, c.old), lively(c.annotation, c.changed), nil)
			if err != nil {
				t.Fatal(err)
			}
			var removed string
			for _, p := range v.Patch {
				removed += p.Path
				if p.Operation != "remove" {
					t.Errorf("%+v", p)
				}
			}
			if v.Refused != "" || len(v.Warnings) > 0 || removed != c.removed {
				t.Errorf("refused %q, warned %q, removed %q, want %q", v.Refused, v.Warnings, removed, c.removed)
			}
		})
	}
}

// lively has an annotation of its only container, and the container's lifecycle, in
// JSON; empty: there is none.
func lively(annotation, lifecycle string) []byte {
	annotations, field := "", ""
	if annotation != "" {
		annotations = fmt.Sprintf(`"lifecycle.bookend.dev/web": %q`, annotation)
	}
	if lifecycle != "" {
		field = `, "lifecycle": ` + lifecycle
	}
	return fmt.Appendf(nil, `{"metadata": {"annotations": {%s}}, "spec": {"runtimeClassName": "bookend", "os": {"name": "linux"},
		"terminationGracePeriodSeconds": 30, "containers": [{"name": "web"%s}]}}`, annotations, field)
}
