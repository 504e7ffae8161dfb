package hooks

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseConfig(t *testing.T) {
	got, err := ParseConfig([]byte(`
# The node's own.
[defaults]
postStartTimeoutSeconds = 0
preStopTimeoutSeconds = 0x1e
[defaults.preStop]
retries = 2
[defaults.preStop.httpGet]
port = 8080
path = "/drain?soft=1"
host = "metadata.internal"
expectStatus = 200
[[defaults.preStop.httpGet.httpHeaders]]
name = "x-one"
value = "1"
[[defaults.preStop.httpGet.httpHeaders]]
name = "x-two"
value = "2"

[policy]
allowHandlers = ["httpGet", "sleep"]
allowUser = true
allowHosts = ["10.0.0.0/8", "fd00::/8", "192.0.2.7", "Metadata.internal", "*"]
allowContainerOutput = false
maxPostStartTimeoutSeconds = 60
maxPreStopTimeoutSeconds = 120
maxRetries = 3

[records]
directory = "/var/lib/bookend"
maxAgeSeconds = 3600
maxCount = 10
maxBytes = 5_000_000_000
maxCountPerContainer = 10
maxBytesPerContainer = 1_000_000_000

[log]
level = "debug"

[exec]
entry = "runtime"

[runc]
binaryName = "/usr/sbin/runc"
root = "/run/runc"
systemdCgroup = true
`), "/etc/bookend/config.toml")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Defaults: Defaults{
			PreStop: &Hook{
				Point: PreStop, Timeout: 30 * time.Second, Retries: 2, FailurePolicy: Kill,
				Output: OutputRecords, byDefault: true,
				HTTPGet: &HTTPGet{
					Host: "metadata.internal", Port: 8080, Path: "/drain?soft=1", Scheme: "http",
					Header:       http.Header{"X-One": {"1"}, "X-Two": {"2"}},
					ExpectStatus: []StatusRange{{200, 200}},
				},
			},
			PreStopTimeout: 30 * time.Second,
		},
		Policy: Policy{
			AllowHandlers: []string{"httpGet", "sleep"}, AllowUser: true,
			AllowHosts:          []string{"10.0.0.0/8", "fd00::/8", "192.0.2.7", "Metadata.internal", "*"},
			MaxPostStartTimeout: time.Minute, MaxPreStopTimeout: 2 * time.Minute, MaxRetries: 3,
		},
		Records: Records{Directory: "/var/lib/bookend", RecordLimits: RecordLimits{MaxAge: time.Hour, MaxCount: 10, MaxBytes: 5e9, MaxCountPerContainer: 10, MaxBytesPerContainer: 1e9}},
		Log:     Log{Level: "debug"},
		Exec:    ExecHooks{Entry: EntryRuntime},
		Runc:    Runc{BinaryName: "/usr/sbin/runc", Root: "/run/runc", SystemdCgroup: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParseConfigOfNothingIsTheDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "[defaults]\n[policy]\n[records]\n[log]\n[exec]\n[runc]\n"} {
		got, err := ParseConfig([]byte(text), "test")
		if err != nil || !reflect.DeepEqual(got, DefaultConfig()) {
			t.Errorf("%q: got %+v, %v; want the default", text, got, err)
		}
	}
}

func TestDefaultConfig(t *testing.T) {
	want := &Config{
		Defaults: Defaults{PostStartTimeout: 100 * time.Second},
		Policy:   Policy{AllowHandlers: []string{"exec", "httpGet", "sleep"}, AllowContainerOutput: true, MaxRetries: 1000},
		Records:  Records{Directory: "/run/bookend", RecordLimits: RecordLimits{MaxAge: 7 * 24 * time.Hour, MaxCount: 2000, MaxBytes: 32 << 20}},
		Exec:     ExecHooks{Entry: EntryAuto},
	}
	if got := DefaultConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"[policy":         `is not valid TOML: expected ']' to close table name (line 1)`,
		"a = 1\na = 2\n":  `is not valid TOML: key a is already defined (line 2)`,
		"\n\nverbose = 1": `verbose: unknown field, expected one of defaults, policy, records, log, exec, runc (line 3)`,
		"policy = 1":      `policy: must be a mapping, got an integer (line 1)`,
		"[[runc]]":        `runc: must be a mapping, got a list (line 1)`,

		"[defaults]\npostStop = 1\n":                                                       `defaults.postStop: unknown field, expected one of preStop, postStartTimeoutSeconds, preStopTimeoutSeconds (line 2)`,
		"[defaults]\npostStartTimeoutSeconds = -1":                                         `defaults.postStartTimeoutSeconds: must be >= 0, got -1 (line 2)`,
		"[defaults]\npreStopTimeoutSeconds = 1.5":                                          `defaults.preStopTimeoutSeconds: must be an integer, got a fractional number (line 2)`,
		"[defaults]\npreStopTimeoutSeconds = \"5\"":                                        `defaults.preStopTimeoutSeconds: must be an integer, got a string (line 2)`,
		"[defaults]\npreStopTimeoutSeconds = 1979-05-27":                                   `defaults.preStopTimeoutSeconds: must be an integer, got a date (line 2)`,
		"[defaults.preStop]\n":                                                             `defaults.preStop: must have a handler: exec, httpGet or sleep (line 1)`,
		"[defaults.preStop.sleep]\n# here\nsecond = 5\n":                                   `defaults.preStop.sleep.second: unknown field, expected seconds (line 3)`,
		"[defaults]\npreStop.sleep = {seconds = -5}\n":                                     `defaults.preStop.sleep.seconds: must be >= 0, got -5 (line 2)`,
		"[defaults.preStop]\nfailurePolicy = \"Ignore\"\n":                                 `defaults.preStop.failurePolicy: unknown field, expected one of exec, httpGet, sleep, tcpSocket, timeoutSeconds, retries, output (line 2)`,
		"[defaults]\npreStopTimeoutSeconds = 30\n[defaults.preStop.sleep]\nseconds = 30\n": `defaults.preStop.sleep.seconds: must be less than the timeout of preStop, which is 30, got 30 (line 4)`,
		"[defaults.preStop]\ntimeoutSeconds = 3\nsleep = {seconds = 4}\n":                  `defaults.preStop.sleep.seconds: must be less than the timeout of preStop, which is 3, got 4 (line 3)`,
		"[defaults.preStop.httpGet]\nport = \"http\"\n":                                    `defaults.preStop.httpGet.port: must be a number, "http" may be another port in each container (line 2)`,
		"[defaults.preStop.exec]\ncommand = [\"x\",\n true]":                               `defaults.preStop.exec.command[1]: must be a string, got a boolean: put it in quotes (line 3)`,
		"[defaults.preStop.httpGet]\nport = 80\n[[defaults.preStop.httpGet.httpHeaders]]\nname = \"a\"\n[[defaults.preStop.httpGet.httpHeaders]]\nname = \"b:\"\n": `defaults.preStop.httpGet.httpHeaders[1].name: must be letters, digits and '-', got "b:" (line 6)`,

		"[policy]\nallowUser = \"yes\"":                                     `policy.allowUser: must be a boolean, got a string (line 2)`,
		"[policy]\nallowHosts = \"*\"":                                      `policy.allowHosts: must be a list, got a string (line 2)`,
		"[policy]\nallowHosts = [\n\"a b\"]\n":                              `policy.allowHosts[0]: must be a host name, an IP address, a CIDR or "*", got "a b" (line 3)`,
		"[policy]\nallowHosts = [\"\"]\n":                                   `policy.allowHosts[0]: must be a host name, an IP address, a CIDR or "*", got "" (line 2)`,
		"[policy]\nallowHosts = [1]\n":                                      `policy.allowHosts[0]: must be a string, got an integer: put it in quotes (line 2)`,
		"[policy]\nallowHost = []\n":                                        `policy.allowHost: unknown field, expected one of allowHandlers, allowUser, allowHosts, allowContainerOutput, maxPostStartTimeoutSeconds, maxPreStopTimeoutSeconds, maxRetries (line 2)`,
		"[policy]\nallowHandlers = \"exec\"\n":                              `policy.allowHandlers: must be a list, got a string (line 2)`,
		"[policy]\nallowHandlers = [\n  'exec', # one\n  'tcpSocket',\n]\n": `policy.allowHandlers[1]: must be exec or httpGet or sleep, got "tcpSocket" (line 4)`,
		"[policy]\nallowContainerOutput = 1\n":                              `policy.allowContainerOutput: must be a boolean, got an integer (line 2)`,
		"[policy]\nmaxPostStartTimeoutSeconds = -1\n":                       `policy.maxPostStartTimeoutSeconds: must be >= 0, got -1 (line 2)`,
		"[defaults.preStop]\nexec = { command = [\n'a',\n'b' ], env = [\n{ name = 'A' },\n{\nnam = 'B' } ] }\n": `defaults.preStop.exec.env[1].nam: unknown field, expected one of name, value (line 7)`,
		"[policy]\nmaxRetries = 1001\n":                                                     `policy.maxRetries: must be between 0 and 1000, got 1001 (line 2)`,
		"policy = { maxPreStopTimeoutSeconds = 1, maxRetries = true }\n":                    `policy.maxRetries: must be an integer, got a boolean (line 1)`,
		"[defaults]\npreStopTimeoutSeconds = 9\n[policy]\nmaxPreStopTimeoutSeconds = 8":     `defaults.preStopTimeoutSeconds: must be <= 8, which policy has as the maximum, got 9 (line 2)`,
		"[policy]\nmaxPostStartTimeoutSeconds = 8\n[defaults]\npostStartTimeoutSeconds = 9": `defaults.postStartTimeoutSeconds: must be <= 8, which policy has as the maximum, got 9 (line 4)`,

		"[records]\ndirectory = 'run'\n":                      `records.directory: must be the absolute path of a directory, got "run" (line 2)`,
		"[records]\ndirectory = '/x/..'\n":                    `records.directory: must be the absolute path of a directory, got "/x/.." (line 2)`,
		"[records]\nmaxAgeSeconds = 0\n":                      `records.maxAgeSeconds: must be >= 1, got 0 (line 2)`,
		"[records]\nmaxCount = 0\n":                           `records.maxCount: must be between 1 and 2147483647, got 0 (line 2)`,
		"[records]\nmaxBytes = '1G'\n":                        `records.maxBytes: must be an integer, got a string (line 2)`,
		"[records]\nmaxFiles = 1\n":                           `records.maxFiles: unknown field, expected one of directory, maxAgeSeconds, maxCount, maxBytes, maxCountPerContainer, maxBytesPerContainer (line 2)`,
		"[records]\nmaxCountPerContainer = 0\n":               `records.maxCountPerContainer: must be >= 1, got 0 (line 2)`,
		"[records]\nmaxBytesPerContainer = -1\n":              `records.maxBytesPerContainer: must be >= 1, got -1 (line 2)`,
		"[records]\nmaxBytesPerContainer = '1M'\n":            `records.maxBytesPerContainer: must be an integer, got a string (line 2)`,
		"[records]\nmaxCountPerContainer = 2001\n":            `records.maxCountPerContainer: must be <= 2000, which is records.maxCount, got 2001 (line 2)`,
		"[records]\nmaxBytesPerContainer = 9\nmaxBytes = 8\n": `records.maxBytesPerContainer: must be <= 8, which is records.maxBytes, got 9 (line 2)`,
		"[log]\nlevel = 'trace'\n":                            `log.level: must be debug or info or warn or error, got "trace" (line 2)`,
		"log.levels = 'info'\n":                               `log.levels: unknown field, expected level (line 1)`,

		"[runc]\nbinaryName = 1\n":    `runc.binaryName: must be a string, got an integer: put it in quotes (line 2)`,
		"[runc]\nroot = []\n":         `runc.root: must be a string, got a list (line 2)`,
		"[exec]\nentry = \"nsenter\"": `exec.entry: must be auto or runtime, got "nsenter" (line 2)`,
		"[runc]\nsystemdCgroup = 1\n": `runc.systemdCgroup: must be a boolean, got an integer (line 2)`,
		"[runc]\nbinary = 1\n":        `runc.binary: unknown field, expected one of binaryName, root, systemdCgroup (line 2)`,
	} {
		c, err := ParseConfig([]byte(text), "/etc/bookend/config.toml")
		if got := errorText(t, err); c != nil || got != "config /etc/bookend/config.toml: "+want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, "config /etc/bookend/config.toml: "+want)
		}
	}
}

func TestPolicyHosts(t *testing.T) {
	p := &Policy{AllowHosts: []string{"10.0.0.0/8", "fd00::/8", "192.0.2.7", "Example.com"}}
	for host, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.0.0.1": false, "fd12::1": true, "fe80::1": false,
		"192.0.2.7": true, "192.0.2.8": false, "example.com": true, "EXAMPLE.com.": true, "www.example.com": false, "10.1": false,
	} {
		if got := p.allowsHost(host); got != want {
			t.Errorf("%s: allowed %v, want %v", host, got, want)
		}
	}
	if p := (&Policy{AllowHosts: []string{"*"}}); !p.allowsHost("a.b") || !p.allowsHost("fe80::1") {
		t.Error(`"*" does not allow every host`)
	}
}

func TestIsHost(t *testing.T) {
	label := strings.Repeat("a", 63)
	for host, want := range map[string]bool{
		"a": true, "a.b": true, "a.b.": true, "a_b-c": true, "10.0.0.1": true, "::1": true, "fe80::1%eth0": false,
		"": false, ".": false, "a..b": false, ".a": false, "-a": false, "a-": false, "a b": false, "ü": false, "a/b": false,
		label: true, label + "a": false, "a." + label: true,
		strings.Repeat(label+".", 3) + label[2:]: true, strings.Repeat(label+".", 3) + label[1:]: false,
	} {
		if got := isHost(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
