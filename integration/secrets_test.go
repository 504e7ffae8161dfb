package integration

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"bookend.dev/bookend/integration/harness"
)

// What a hook's author wrote, or the hook printed, is in no line of the log: it is in
// the record alone.
func TestLogTellsNothingOfWhatAHooksAuthorWrote(t *testing.T) {
	d := shared.Daemon(t)
	before := len(d.Log())
	for name, tt := range map[string]struct{ hook, detail string }{
		"query":        {`{"httpGet":{"host":"127.0.0.1","port":1,"path":"/s3cret?token=s3cret"}}`, "s3cret"},
		"name":         {`{"httpGet":{"host":"localhost","port":1,"scheme":"HTTPS","path":"/s3cret"}}`, "s3cret"},
		"command":      {`{"exec":{"command":["s3cret"]}}`, "s3cret"},
		"path":         {`{"exec":{"command":["/bin/s3cret/x"]}}`, "s3cret"},
		"directory":    {`{"exec":{"command":["true"],"workingDir":"/s3cret"}}`, "s3cret"},
		"long command": {fmt.Sprintf(`{"exec":{"command":["/%s"]}}`, strings.Repeat("s3cret", 1000)), "s3cret"},
		"output":       {`{"exec":{"command":["sh","-c","echo s3cret; echo s3cret >&2; exit 3"],"env":[{"name":"S","value":"s3cret"}]}}`, ""},
	} {
		for _, point := range []string{"postStart", "preStop"} {
			t.Run(name+"/"+point, func(t *testing.T) {
				lifecycle := fmt.Sprintf(`{%q:%s}`, point, tt.hook)
				if point == "postStart" {
					lifecycle = fmt.Sprintf(`{"postStart":%s,"stopSignal":"SIGKILL"}`, tt.hook)
				}
				h := harness.CreateTask(t, d, lifecycle)
				err := h.Start(t.Context())
				if point == "preStop" {
					if err != nil {
						t.Fatal(err)
					}
					h.Await("main")
					h.Kill(syscall.SIGTERM)
					h.WantExit(0)
				}
				h.WantLog("bookend: Failed")
				found := attempts(t, d.RecordsDir(), h.ID)
				if len(found) != 1 || !strings.Contains(found[0].Detail, tt.detail) {
					t.Errorf("records %+v, want one whose detail has %q", found, tt.detail)
				}
			})
		}
	}
	for line := range strings.Lines(d.Log()[before:]) {
		if strings.Contains(line, "s3cret") {
			t.Errorf("the log says %s", line)
		}
	}
}
