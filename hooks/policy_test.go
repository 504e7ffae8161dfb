package hooks

import (
	"strings"
	"testing"
	"time"
)

// bounded is a configuration with every bound that policy knows.
const bounded = `
[policy]
allowHandlers = ["exec", "sleep"]
allowContainerOutput = false
maxPostStartTimeoutSeconds = 60
maxPreStopTimeoutSeconds = 20
maxRetries = 2
`

func resolveUnder(t *testing.T, config, annotation string) (*Lifecycle, error) {
	t.Helper()
	cfg, err := ParseConfig([]byte(config), "test")
	if err != nil {
		t.Fatal(err)
	}
	return Resolve(map[string]string{AnnotationKey: annotation}, func() (*Config, error) { return cfg, nil })
}

func TestPolicyRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`preStop: {httpGet: {port: 80}}`:                                 `preStop.httpGet: is not allowed on this node (policy.allowHandlers), use exec or sleep`,
		`preStop: {sleep: {}, output: container}`:                        `preStop.output: must be records on this node (policy.allowContainerOutput), got "container"`,
		`postStart: {sleep: {}, timeoutSeconds: 61}`:                     `postStart.timeoutSeconds: must be between 1 and 60 on this node (policy.maxPostStartTimeoutSeconds), got 61`,
		`postStart: {sleep: {}, timeoutSeconds: 0}`:                      `postStart.timeoutSeconds: must be between 1 and 60 on this node (policy.maxPostStartTimeoutSeconds), got 0`,
		`preStop: {exec: {command: [a], timeoutSeconds: 21}}`:            `preStop.exec.timeoutSeconds: must be between 1 and 20 on this node (policy.maxPreStopTimeoutSeconds), got 21`,
		`preStop: {sleep: {}, retries: 3}`:                               `preStop.retries: must be <= 2 on this node (policy.maxRetries), got 3`,
		`preStop: {tcpSocket: {port: 80}}`:                               `preStop.tcpSocket: is not supported: Kubernetes accepts it here but has never carried it out; use exec, httpGet or sleep`,
		`{preStop: {sleep: {}}, postStart: {httpGet: {prot: nonsense}}}`: `postStart.httpGet: is not allowed on this node (policy.allowHandlers), use exec or sleep`,
	} {
		l, err := resolveUnder(t, bounded, text)
		if got := errorText(t, err); l != nil || got != "annotation "+AnnotationKey+": "+want {
			t.Errorf("%s:\n got %q\nwant %q", text, got, "annotation "+AnnotationKey+": "+want)
		}
	}
	for _, name := range handlerNames {
		_, err := resolveUnder(t, "policy.allowHandlers = []", "preStop: {"+name+": {}}")
		want := "preStop." + name + ": is not allowed on this node (policy.allowHandlers), no handler is"
		if got := errorText(t, err); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPolicyLetsPassWhatIsWithinIt(t *testing.T) {
	l, err := resolveUnder(t, bounded, `
postStart: {exec: {command: [a]}, timeoutSeconds: 60, retries: 2, output: records}
preStop: {sleep: {}, timeoutSeconds: 1}
`)
	if err != nil || l.PostStart.Timeout != time.Minute || l.PostStart.Retries != 2 || l.PreStop.Timeout != time.Second {
		t.Errorf("got %+v, %v", l, err)
	}
}

// A hook that says nothing is not unlimited where there is a maximum.
func TestTheMaximumIsTheLimitOfHooksWithoutATimeout(t *testing.T) {
	for _, tt := range []struct {
		config             string
		postStart, preStop time.Duration
	}{
		{"", 100 * time.Second, 0},
		{bounded, time.Minute, 20 * time.Second}, // 100 s is no default that this node wrote
		{bounded + "[defaults]\npostStartTimeoutSeconds = 0\npreStopTimeoutSeconds = 0\n", time.Minute, 20 * time.Second},
		{bounded + "[defaults]\npostStartTimeoutSeconds = 60\npreStopTimeoutSeconds = 5\n", time.Minute, 5 * time.Second},
		{"policy.maxPostStartTimeoutSeconds = 200", 100 * time.Second, 0},
	} {
		l, err := resolveUnder(t, tt.config, "{postStart: {sleep: {}}, preStop: {sleep: {}}}")
		if err != nil || l.PostStart.Timeout != tt.postStart || l.PreStop.Timeout != tt.preStop {
			t.Errorf("%s: got %+v, %v; want %v and %v", tt.config, l, err, tt.postStart, tt.preStop)
		}
	}
}

func TestPolicyDoesNotBindTheNodesOwnDefaults(t *testing.T) {
	for config, timeout := range map[string]time.Duration{
		"timeoutSeconds = 600\n": 10 * time.Minute,
		"":                       0,
	} {
		l, err := resolveUnder(t, strings.Replace(bounded, `"exec", "sleep"`, "", 1)+
			"[defaults.preStop]\noutput = 'container'\nretries = 9\n"+config+"[defaults.preStop.httpGet]\nport = 80\n", "{}")
		if err != nil || l.PreStop.HTTPGet == nil || l.PreStop.Output != OutputContainer || l.PreStop.Retries != 9 || l.PreStop.Timeout != timeout {
			t.Errorf("%q: got %+v, %v", config, l, err)
		}
	}
}

func TestATerminalRefusesOnlyWhatTheAnnotationAsksFor(t *testing.T) {
	const node = "[defaults.preStop]\noutput = 'container'\n[defaults.preStop.exec]\ncommand = ['a']\n"
	const inLog = "{exec: {command: [a]}, output: container}"
	cfg, err := ParseConfig([]byte(node), "test")
	if err != nil {
		t.Fatal(err)
	}
	pod := map[string]string{AnnotationContainerType: "container", AnnotationContainerName: "web"}
	for text, want := range map[string]string{
		"{}":                     "",
		"postStart: {sleep: {}}": "",
		"preStop: " + inLog:      "annotation lifecycle.bookend.dev/web: preStop.output: must be records for a container with a terminal, got \"container\"",
		"{postStart: " + inLog + ", preStop: null}":     "annotation lifecycle.bookend.dev/web: postStart.output: must be records for a container with a terminal, got \"container\"",
		"{postStart: " + inLog + "}":                    "annotation lifecycle.bookend.dev/web: postStart.output: must be records for a container with a terminal, got \"container\"",
		"preStop: {exec: {command: [a]}, output: null}": "",
	} {
		pod[AnnotationPrefix+"web"] = text
		l, err := Resolve(pod, func() (*Config, error) { return cfg, nil })
		if err != nil {
			t.Fatal(err)
		}
		if got := errorText(t, l.RefuseTerminal(pod)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	if err := (*Lifecycle)(nil).RefuseTerminal(pod); err != nil {
		t.Errorf("without hooks: %v", err)
	}
}
