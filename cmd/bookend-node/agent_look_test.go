package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"bookend.dev/bookend/cmd/bookend-node/internal/apitest"
)

// The agent's other parts do not wait for its certificate.
func TestTheAgentRunsWithoutTheCertificateOfItsAPI(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "bookend")
	api := apitest.New()
	defer api.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop() // before the API server, which waits for those who watch
	log, ended := &agentLog{served: make(chan struct{}, 1)}, make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"agent", "--node-name", "n1", "--listen", "127.0.0.1:0", "--state-dir", t.TempDir(), "--records", t.TempDir(),
			"--kubeconfig", kubeconfigOf(t, api.URL), "--api-listen", "127.0.0.1:0", "--api-cert-dir", t.TempDir()}, io.Discard, log)
	}()
	select {
	case <-log.served:
	case code := <-ended:
		t.Fatalf("exit code %d: %s", code, log)
	}
	n := &agentNode{t: t, log: log, metrics: "http://" + log.address(metricsAt)}
	if code, _ := n.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: status %d", code)
	}
	n.until("it says what it waits for", func() bool { return strings.Contains(log.String(), "certificate is not there yet") })
	if code, body := n.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "certificate is not there yet") {
		t.Errorf("/readyz: status %d: %s", code, body)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d: %s", code, log)
	}
}
