package hooks

import (
	"errors"
	"io/fs"
	"reflect"
	"syscall"
	"testing"
	"time"
)

// criContainer are the annotations of the CRI container "web", and more.
func criContainer(more ...string) map[string]string {
	a := map[string]string{AnnotationContainerType: "container", AnnotationContainerName: "web"}
	for i := 0; i < len(more); i += 2 {
		a[more[i]] = more[i+1]
	}
	return a
}

func noConfig() (*Config, error) { return nil, nil }

const sleep5 = `preStop: {sleep: {seconds: 5}}`

func TestResolvePicksTheContainersOwnAnnotation(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		found       bool
		err         string
	}{
		"none":                     {annotations: nil},
		"plain":                    {annotations: map[string]string{AnnotationKey: sleep5}, found: true},
		"plain, key of a pod":      {annotations: map[string]string{AnnotationPrefix + "web": sleep5}},
		"CRI":                      {annotations: criContainer(AnnotationPrefix+"web", sleep5), found: true},
		"CRI, another's":           {annotations: criContainer(AnnotationPrefix+"db", sleep5)},
		"CRI, another's is broken": {annotations: criContainer(AnnotationPrefix+"db", "{")},
		"kubelet's record":         {annotations: criContainer("io.kubernetes.container.preStopHandler", `{"sleep":{"seconds":5}}`)},
		"CRI, plain key": {
			annotations: criContainer(AnnotationKey, sleep5),
			err:         "annotation bookend.dev/lifecycle: does not apply to a container of a pod: use the annotation lifecycle.bookend.dev/web",
		},
		"CRI, both keys": {
			annotations: criContainer(AnnotationKey, sleep5, AnnotationPrefix+"web", sleep5),
			err:         "annotation bookend.dev/lifecycle: does not apply to a container of a pod: use the annotation lifecycle.bookend.dev/web",
		},
		"sandbox": {annotations: map[string]string{AnnotationContainerType: "sandbox", AnnotationKey: "{", AnnotationPrefix + "web": "{"}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Resolve(c.annotations, noConfig)
			if text := errorText(t, err); text != c.err {
				t.Fatalf("error %q, want %q", text, c.err)
			}
			if (l != nil) != c.found {
				t.Fatalf("got lifecycle %+v, want one: %v", l, c.found)
			}
		})
	}
}

// errorText returns the text of err, which must be an InvalidError or nil.
func errorText(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var invalid *InvalidError
	if !errors.As(err, &invalid) || invalid.Source == "" {
		t.Errorf("%#v is no InvalidError with a source", err)
	}
	return err.Error()
}

func TestResolveWithoutUsableConfiguration(t *testing.T) {
	_, broken := ParseConfig([]byte("nonsense = 1"), "/etc/bookend/config.toml")
	for _, cause := range []error{broken, fs.ErrPermission} {
		load := func() (*Config, error) { return nil, cause }

		l, err := Resolve(criContainer(AnnotationPrefix+"db", sleep5), load)
		if l != nil || !errors.Is(err, ErrConfig) || errors.As(err, new(*InvalidError)) {
			t.Errorf("without annotation: %v, %#v; want ErrConfig alone", l, err)
		}
		l, err = Resolve(criContainer(AnnotationPrefix+"web", sleep5), load)
		if l != nil || errors.Is(err, ErrConfig) || !errors.Is(err, cause) {
			t.Errorf("with annotation: %v, %#v; want an InvalidError with the cause", l, err)
		}
		want := "annotation lifecycle.bookend.dev/web: cannot be applied, the node's configuration is invalid; the node's log says why"
		if text := errorText(t, err); text != want {
			t.Errorf("error %q, want %q", text, want)
		}
	}
}

func TestResolveLoadsTheConfigurationOnlyWhereItMatters(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		loads       int
	}{
		"sandbox":   {map[string]string{AnnotationContainerType: "sandbox"}, 0},
		"wrong key": {criContainer(AnnotationKey, sleep5), 0},
		"annotated": {criContainer(AnnotationPrefix+"web", sleep5), 1},
		"bare":      {nil, 1},
	} {
		loads := 0
		_, _ = Resolve(c.annotations, func() (*Config, error) { loads++; return nil, nil })
		if loads != c.loads {
			t.Errorf("%s: loaded %d times, want %d", name, loads, c.loads)
		}
	}
}

func TestMayHaveHooks(t *testing.T) {
	if MayHaveHooks(map[string]string{AnnotationContainerType: "sandbox"}) {
		t.Error("a sandbox may have hooks")
	}
	if !MayHaveHooks(nil) || !MayHaveHooks(criContainer()) {
		t.Error("a container may not have hooks")
	}
}

func TestResolvePutsDefaultsUnderTheAnnotation(t *testing.T) {
	cfg, err := ParseConfig([]byte(`
[defaults]
postStartTimeoutSeconds = 7
preStopTimeoutSeconds = 9
[defaults.preStop.sleep]
seconds = 3
`), "test")
	if err != nil {
		t.Fatal(err)
	}
	byDefault := &Hook{Point: PreStop, Sleep: &Sleep{3 * time.Second}, Timeout: 9 * time.Second, FailurePolicy: Kill, Output: OutputRecords, byDefault: true}
	for text, want := range map[string]*Lifecycle{
		`{}`:                                  {PreStop: byDefault},
		`{preStop: null}`:                     nil,
		`{preStop: ~, stopSignals: [SIGHUP]}`: nil,
		`{postStart: null}`:                   {PreStop: byDefault},
		`{preStop: {sleep: {seconds: 1}}}`:    {PreStop: &Hook{Point: PreStop, Sleep: &Sleep{time.Second}, Timeout: 9 * time.Second, FailurePolicy: Kill, Output: OutputRecords}},
		`{preStop: {sleep: {seconds: 1}, timeoutSeconds: 0}}`: {PreStop: &Hook{Point: PreStop, Sleep: &Sleep{time.Second}, FailurePolicy: Kill, Output: OutputRecords}},
		`{postStart: {sleep: {seconds: 1}}}`: {
			PostStart: &Hook{Point: PostStart, Sleep: &Sleep{time.Second}, Timeout: 7 * time.Second, FailurePolicy: Kill, Output: OutputRecords},
			PreStop:   byDefault,
		},
	} {
		l, err := Resolve(map[string]string{AnnotationKey: text}, func() (*Config, error) { return cfg, nil })
		if want != nil {
			want.StopSignals = defaultStopSignals()
		}
		if err != nil || !reflect.DeepEqual(l, want) {
			t.Errorf("%s: got %+v, %v; want %+v", text, l, err, want)
		}
	}
	l, err := Resolve(nil, func() (*Config, error) { return cfg, nil })
	if err != nil || l == nil || l.PreStop != cfg.Defaults.PreStop {
		t.Errorf("without annotation: %+v, %v; want the node's preStop", l, err)
	}
}

func TestResolveSignals(t *testing.T) {
	const (
		term, quit, hup = syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP
		interrupt, usr1 = syscall.SIGINT, syscall.SIGUSR1
	)
	for text, want := range map[string]struct {
		set []syscall.Signal
		own syscall.Signal
	}{
		`{stopSignal: SIGTERM}`:                        {[]syscall.Signal{term, interrupt, quit, 37}, term},
		`{stopSignal: SIGUSR1}`:                        {[]syscall.Signal{term, interrupt, quit, 37, usr1}, usr1},
		`{stopSignal: SIGKILL}`:                        {[]syscall.Signal{term, interrupt, quit, 37}, syscall.SIGKILL},
		`{stopSignal: SIGSTOP}`:                        {[]syscall.Signal{term, interrupt, quit, 37}, syscall.SIGSTOP},
		`{stopSignal: SIGRTMIN+3}`:                     {[]syscall.Signal{term, interrupt, quit, 37}, 37},
		`{stopSignal: SIGRTMAX}`:                       {[]syscall.Signal{term, interrupt, quit, 37, 64}, 64},
		`{stopSignal: SIGUSR1, stopSignals: [SIGHUP]}`: {[]syscall.Signal{hup}, usr1},
	} {
		l, err := Resolve(map[string]string{AnnotationKey: text}, noConfig)
		if err != nil || l == nil || !reflect.DeepEqual(l.StopSignals, want.set) || l.StopSignal != want.own {
			t.Errorf("%s: got %+v, %v; want %v", text, l, err, want)
		}
	}
	if l, err := Resolve(map[string]string{AnnotationKey: `{stopSignals: [SIGHUP], terminationGracePeriodSeconds: 5}`}, noConfig); l != nil || err != nil {
		t.Errorf("no hook and no stopSignal: got %+v, %v", l, err)
	}
}

func TestResolveGracePeriod(t *testing.T) {
	for name, c := range map[string]struct {
		kubelet, written string
		want             time.Duration // -1: unknown
		err              string
	}{
		"unknown":      {want: -1},
		"kubelet's":    {kubelet: "60", want: time.Minute},
		"own":          {kubelet: "60", written: ", terminationGracePeriodSeconds: 5", want: 5 * time.Second},
		"zero":         {kubelet: "60", written: ", terminationGracePeriodSeconds: 0", want: 0},
		"null":         {kubelet: "60", written: ", terminationGracePeriodSeconds: null", want: time.Minute},
		"negative":     {kubelet: "-1", want: time.Second},
		"for ever":     {kubelet: "9223372036854775807", want: longest},
		"beyond":       {kubelet: "99999999999999999999", want: longest},
		"own beats it": {kubelet: "x", written: ", terminationGracePeriodSeconds: 5", want: 5 * time.Second},
		"broken": {kubelet: "1m", want: -1,
			err: `annotation io.kubernetes.pod.terminationGracePeriod: must be a number of seconds, got "1m"`},
	} {
		t.Run(name, func(t *testing.T) {
			a := map[string]string{AnnotationKey: "{stopSignal: SIGTERM" + c.written + "}"}
			if c.kubelet != "" {
				a[AnnotationGracePeriod] = c.kubelet
			}
			l, err := Resolve(a, noConfig)
			if text := errorText(t, err); text != c.err {
				t.Fatalf("error %q, want %q", text, c.err)
			}
			got := time.Duration(-1)
			if l != nil && l.GracePeriod != nil {
				got = *l.GracePeriod
			}
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if l, err := Resolve(map[string]string{AnnotationGracePeriod: "x"}, noConfig); l != nil || err != nil {
		t.Errorf("a container without hooks: got %v, %v", l, err)
	}
}
