package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bookend.dev/bookend/integration/harness"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// transcript is what clients saw of one run of a script: each reply and error,
// without what differs between two runs with one shim.
type transcript struct {
	t     *testing.T
	lines []string
	same  []string // pairs for strings.NewReplacer
}

// alias makes text read as name.
func (tr *transcript) alias(text, name string) { tr.same = append(tr.same, text, name) }

// note adds what a call came to.
func (tr *transcript) note(step string, reply any, err error) {
	line := fmt.Sprintf("%s: %v", step, reply)
	if err != nil {
		st, _ := status.FromError(err)
		line = fmt.Sprintf("%s: %s: %s", step, st.Code(), st.Message())
	}
	tr.lines = append(tr.lines, tr.normal(line))
}

// measured are numbers and times that no two runs share.
var measured = regexp.MustCompile(`("pid":|"shimPid":|"taskPid":)[1-9][0-9]*|pid [1-9][0-9]*|2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:.]*Z|[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}|(/fifo/)[0-9]+|\b[0-9a-f]{64}\b`)

func (tr *transcript) normal(text string) string {
	text = strings.NewReplacer(tr.same...).Replace(text)
	return measured.ReplaceAllString(text, "${1}${2}#")
}

// render makes one text of a message, always the same for the same fields.
func render(t *testing.T, m proto.Message) string {
	t.Helper()
	loose, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var fields any
	if err := json.Unmarshal(loose, &fields); err != nil {
		t.Fatal(err)
	}
	stable, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(stable)
}

// call makes one call of an API, notes its reply and returns it.
func call[Q any, R proto.Message](tr *transcript, step string, method func(context.Context, Q) (R, error), ctx context.Context, request Q) R {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, harness.Scaled(time.Minute))
	defer cancel()
	reply, err := method(ctx, request)
	text := ""
	if err == nil {
		text = render(tr.t, reply)
	}
	tr.note(step, text, err)
	return reply
}

// wantSame compares a run with the stock shim's of the same script.
func wantSame(t *testing.T, what string, got, stock []string) {
	t.Helper()
	if slices.Equal(got, stock) {
		return
	}
	t.Errorf("%s differ from the stock shim's:", what)
	for i := range max(len(got), len(stock)) {
		g, s := at(got, i), at(stock, i)
		if g != s {
			t.Errorf("%d\n  ours  %s\n  stock %s", i, g, s)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// taskEvents are the topics of a container's task so far, in order, each exec
// known by its number. A delete is left out, since the stock shim loses it now
// and then, and so is what bookend has to tell.
func taskEvents(log *harness.EventLog, id string) []string {
	var topics, execs []string
	for _, e := range log.Of(id) {
		if !strings.HasPrefix(e.Topic, "/tasks/") || e.Topic == "/tasks/delete" {
			continue
		}
		topic := e.Topic
		if e.ExecID != "" {
			if !slices.Contains(execs, e.ExecID) {
				execs = append(execs, e.ExecID)
			}
			topic += fmt.Sprint(" exec ", slices.Index(execs, e.ExecID))
		}
		topics = append(topics, topic)
	}
	return topics
}
