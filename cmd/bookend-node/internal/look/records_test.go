package look

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
	"bookend.dev/bookend/hooks"
	"bookend.dev/bookend/hooks/record"
)

func TestRecordsAreThoseOfThePodAlone(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	pod := c.pod("web", "node-a", func(p *corev1.Pod) {
		ended := &corev1.ContainerStateTerminated{ContainerID: "containerd://first"}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{ContainerID: "containerd://second", LastTerminationState: corev1.ContainerState{Terminated: ended}}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{ContainerID: "containerd://init"}}
	})
	of := func(container string, change func(*record.Subject)) record.Subject {
		s := subject(pod, container)
		change(&s)
		return s
	}
	unknown := func(s *record.Subject) { s.PodUID = "" } // of an older version
	for _, s := range []struct {
		record.Subject
		prints string
	}{
		{of("c0", func(s *record.Subject) { s.PodUID = "uid-of-an-earlier-web" }), "an earlier pod; "},
		{of("c1", unknown), "no one knows whose; "},
		{of("first", unknown), "its container before the restart; "},
		{of("second", func(s *record.Subject) { s.PodUID = "uid-of-a-static-web" }), "its container, by another UID; "},
		{of("init", unknown), "its init container; "},
		{of("c2", func(*record.Subject) {}), "its own; "},
		{of("c3", func(s *record.Subject) { s.PodNamespace = "bank" }), "another namespace; "},
		{of("second", func(s *record.Subject) { s.Pod, s.PodUID = "other", "x" }), "another pod; "},
		{record.Subject{Namespace: "default", Container: "ctr"}, "no pod; "},
		{of("c4", func(s *record.Subject) { s.Namespace = "moby" }), "a container that poses as its own; "},
	} {
		a.ran(s.Subject, s.prints)
	}
	lines, err := c.lines(a, c.as("reader", podLog("web")))
	if want := "its container before the restart; its container, by another UID; its init container; its own; "; err != nil || printed(lines) != want {
		t.Errorf("got %q, %v\nwant %q", printed(lines), err, want)
	}
	lines, err = c.lines(a, c.as("reader", podLog("web")+"?output=false"))
	if n := len(lines); err != nil || n != 5 || printed(lines) != "" {
		t.Errorf("%d lines, %q, %v", n, printed(lines), err)
	}
}

func TestStatusesAreThoseOfThePodAlone(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	pod := c.pod("web", "node-a")
	started := time.Now().UTC()
	of := subject(pod, "c1")
	a.store.Post(record.Status{Subject: of, Phase: "preStop", PreStop: "exec", Hook: hooks.PreStop, Started: &started})
	posing := of
	posing.Container, posing.Namespace = "c4", "moby"
	a.store.Post(record.Status{Subject: posing, Phase: "preStop"})
	of.Container, of.PodUID = "c0", "uid-of-an-earlier-web"
	a.store.Post(record.Status{Subject: of, Phase: "preStop"})
	eventually(t, func() bool { all, _, err := a.store.Statuses(); return err == nil && len(all) == 3 })
	var got hooksapi.PodHooks
	answer := c.send(a, c.as("reader", podHooks("web")))
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.Containers) != 1 || got.Containers[0].Container != "c1" || got.Containers[0].Hook != hooks.PreStop || got.Node != "node-a" ||
		got.RuntimeClassName != "bookend" || got.Kind != "PodHooks" || got.Now.Before(started) {
		t.Errorf("got %+v", got)
	}
}

func TestPodsThatCannotBeLookedAt(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	c.pod("pending", "")
	if said := c.wantStatus(a, c.as("reader", podLog("none")), http.StatusNotFound); !strings.Contains(said, `pods "none" not found`) {
		t.Error(said)
	}
	if said := c.wantStatus(a, c.as("reader", podLog("pending")), http.StatusBadRequest); !strings.Contains(said, "not scheduled") {
		t.Error(said)
	}
	c.api.reviews = nil
	for _, name := range []string{"../web", "..", "a/b", "web%2Flog", "web\n", "Web", "web?x", strings.Repeat("w", 300), "\x1b[2J", "wéb"} {
		for _, path := range []string{hooksapi.Path("shop", name, "log"), hooksapi.Path(name, "web", "log")} {
			c.wantStatus(a, c.as("reader", path), http.StatusBadRequest)
		}
	}
	// Nor does a path lead elsewhere that is not escaped.
	for _, path := range []string{"/namespaces/shop/pods/../../x/log", "/namespaces//pods/web/log", "/namespaces/shop/pods/web/../web/log"} {
		c.wantStatus(a, c.as("reader", hooksapi.Root+path), http.StatusBadRequest)
	}
	if len(c.api.reviews) != 0 {
		t.Errorf("asked %+v", c.api.reviews)
	}
	call := c.as("reader", podLog("web"))
	call.header.Set("X-Remote-User", url.PathEscape("\x1b"))
	c.wantStatus(a, call, http.StatusForbidden)
}

func TestTheOldestRecordsAreLeftOutOfTooManyBytes(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", Limits{MaxBytes: 10 << 20})
	of := subject(c.pod("web", "node-a"), "c1")
	output := strings.Repeat("x", 64<<10)
	const n = 100 // of 2 * 64 KiB, in base64 a third more: 17 MB
	for i := range n {
		a.leave(record.Record{Subject: of, Attempt: i + 1, End: record.End{Stdout: []byte(output), Stderr: []byte(output)}})
	}
	answer := c.send(a, c.as("reader", podLog("web")))
	defer answer.Body.Close()
	lines, err := readLines(t, answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	records, omitted, last := 0, 0, 0
	for _, l := range lines {
		omitted += l.Omitted
		if l.Record != nil {
			records, last = records+1, l.Record.Attempt
		}
	}
	if records+omitted != n || omitted < n/4 || records < n/2 || last != n {
		t.Errorf("%d records to attempt %d, %d left out", records, last, omitted)
	}
}

func TestALogIsFollowed(t *testing.T) {
	c := newCluster(t)
	a := c.run("node-a", quick)
	web := subject(c.pod("web", "node-a"), "c1")
	a.ran(web, "before\n")
	f := c.follow(a, c.as("reader", podLog("web")))
	if l := f.next(func(hooksapi.LogLine) bool { return true }); l.Head == nil || l.Head.RuntimeClassName != "bookend" {
		t.Errorf("first %+v", l)
	}
	if l := f.next(aRecord); string(l.Record.Stdout) != "before\n" {
		t.Errorf("got %+v", l.Record)
	}
	e := a.store.Begin(record.Record{Subject: web, Hook: hooks.PreStop, Handler: "exec", Attempt: 1, Started: time.Now()})
	running := f.next(aRecord)
	f.next(heartbeat)
	e.End(record.End{Outcome: hooks.Failed, Stdout: []byte("after\n")})
	ended := f.next(aRecord)
	if !running.Record.Running || ended.Record.Running || running.Record.ID != ended.Record.ID || ended.Record.Outcome != hooks.Failed {
		t.Errorf("running %+v, ended %+v", running.Record, ended.Record)
	}
}

func TestAFollowedLogEndsSomeTime(t *testing.T) {
	c := newCluster(t)
	limits := quick
	limits.Follow = 100 * time.Millisecond
	a := c.run("node-a", limits)
	c.pod("web", "node-a")
	lines, err := c.lines(a, c.as("reader", podLog("web")+"?follow=true"))
	if err != nil || len(lines) == 0 || lines[0].Head == nil {
		t.Errorf("%+v, %v", lines, err)
	}
}

func TestMoreThanAnAgentServesHaveToWait(t *testing.T) {
	c := newCluster(t)
	limits := quick
	limits.Logs, limits.Requests = 1, 3
	a := c.run("node-a", limits)
	c.pod("web", "node-a")
	f := c.follow(a, c.as("reader", podLog("web")))
	f.next(heartbeat)
	c.wantStatus(a, c.as("reader", podLog("web")), http.StatusTooManyRequests)
	c.wantStatus(a, c.as("reader", podHooks("web")), http.StatusOK)
	for range 2 {
		a.requests <- struct{}{}
	}
	c.wantStatus(a, c.as("reader", podHooks("web")), http.StatusTooManyRequests)
	answer := c.send(a, call{nil, nil, "/livez"})
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("an agent that serves all it may is not alive: status %d", answer.StatusCode)
	}
}

// Anyone can send tokens that no one has, and have the API server look at them.
func TestTokensLeaveRoomForTheAPIServersRequests(t *testing.T) {
	c := newCluster(t)
	limits := quick
	limits.Tokens, limits.Requests = 2, 4
	a := c.run("node-a", limits)
	c.pod("web", "node-a")
	c.api.fail("/apis/authentication.k8s.io/v1/tokenreviews", never)
	token := call{nil, http.Header{"X-Remote-User": {"reader"}, "Authorization": {"Bearer x"}}, podLog("web")}
	for range limits.Requests {
		go func() {
			if answer, err := c.try(a, token); err == nil {
				answer.Body.Close()
			}
		}()
	}
	eventually(t, func() bool { return len(a.tokens) == limits.Tokens && len(a.requests) == limits.Tokens })
	c.wantStatus(a, token, http.StatusTooManyRequests)
	c.wantStatus(a, c.as("reader", podLog("web")), http.StatusOK)
}

// A log that is followed has no end of its own, but the way to it has.
func TestAnAPIServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	c := newCluster(t)
	limits := quick
	limits.Whole = 100 * time.Millisecond
	a := c.run("node-a", limits)
	c.pod("web", "node-a")
	c.pod("db", "node-b")
	asked := c.as("reader", podLog("web")+"?follow=true")
	other := c.as("reader", podLog("db")+"?follow=true")
	token := call{nil, http.Header{"X-Remote-User": {"reader"}, "Authorization": {"Bearer " + agentsToken}}, asked.path}
	for path, call := range map[string]call{
		"/apis/authentication.k8s.io/v1/tokenreviews":                 token,
		"/apis/authorization.k8s.io/v1/subjectaccessreviews":          asked,
		"/api/v1/namespaces/shop/pods/web":                            asked,
		"/apis/discovery.k8s.io/v1/namespaces/bookend/endpointslices": other,
	} {
		c.api.fail(path, never)
		c.wantStatus(a, call, http.StatusGatewayTimeout)
	}
}

// A client that reads nothing does not keep a request.
func TestAClientThatTakesNothingIsGivenUp(t *testing.T) {
	c := newCluster(t)
	limits := quick
	limits.Write, limits.Logs = 200*time.Millisecond, 1
	a := c.run("node-a", limits)
	of := subject(c.pod("web", "node-a"), "c1")
	for i := range 60 {
		a.ran(of, fmt.Sprint(i, strings.Repeat("x", 64<<10)))
	}
	// Its body is not read. On a busy machine it is given up before its headers are.
	answer, err := c.try(a, c.as("reader", podLog("web")))
	if err == nil {
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	eventually(t, func() bool { return len(a.logs) == 0 })
}
