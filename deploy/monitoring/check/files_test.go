package check

import (
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	rulesPath     = "../rules.yaml"
	dashboardPath = "../dashboard.json"
	metricsPath   = "../../../cmd/bookend-node/internal/metrics/metrics.txt"
)

// served are the metrics that the agent serves, with their labels, and up, which
// Prometheus makes.
func served(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(metricsPath)
	if err != nil {
		t.Fatal(err)
	}
	// Those of the scrape.
	target := []string{"instance", "job"}
	all := map[string][]string{"up": target}
	for line := range strings.Lines(string(data)) {
		f := append(strings.Fields(line), "")
		labels := append(strings.Split(f[2], ","), target...)
		if f[1] != "histogram" {
			all[f[0]] = labels
			continue
		}
		all[f[0]+"_sum"], all[f[0]+"_count"] = labels, labels
		all[f[0]+"_bucket"] = append(labels, "le")
	}
	return all
}

// wantServed checks the metrics and the labels that an expression selects by.
func wantServed(t *testing.T, expr string) {
	t.Helper()
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return
	}
	all := served(t)
	parser.Inspect(tree, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			labels, ok := all[n.Name]
			if !ok {
				t.Errorf("%s: no agent serves %s", expr, n.Name)
			}
			for _, m := range n.LabelMatchers {
				if m.Name != model.MetricNameLabel && !slices.Contains(labels, m.Name) {
					t.Errorf("%s: %s has no label %s", expr, n.Name, m.Name)
				}
			}
		case *parser.AggregateExpr:
			for _, l := range n.Grouping {
				if !slices.Contains(labelsIn(n, all), l) {
					t.Errorf("%s: nothing in %s has the label %s", expr, n, l)
				}
			}
		}
		return nil
	})
}

// labelsIn are those of all metrics in an expression.
func labelsIn(n parser.Node, all map[string][]string) (labels []string) {
	parser.Inspect(n, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			labels = append(labels, all[v.Name]...)
		}
		return nil
	})
	return labels
}

// rules are all alert rules.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(rulesPath, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var all []rulefmt.Rule
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func TestRulesUseWhatTheAgentServes(t *testing.T) {
	for _, r := range rules(t) {
		wantServed(t, r.Expr)
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s does not say how bad it is, what it is, or what to do", r.Alert)
		}
	}
}

// dashboard is what is checked of one.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Panels        []struct {
		ID      int
		Title   string
		Type    string
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			RefID      string
			Expr       string
			Datasource struct{ UID string }
		}
	}
	Templating struct {
		List []struct {
			Name  string
			Query json.RawMessage
		}
	}
}

func TestTheDashboardUsesWhatTheAgentServes(t *testing.T) {
	data, err := os.ReadFile(dashboardPath)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || d.SchemaVersion == 0 || len(d.Panels) == 0 {
		t.Errorf("%+v is no dashboard", d)
	}
	// Grafana puts values in the place of these.
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$instance", "n1")
	seen := map[int]bool{}
	for i, p := range d.Panels {
		if seen[p.ID] || p.Title == "" || p.Type == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d is not one, or its ID is another's: %+v", i, p)
		}
		seen[p.ID] = true
		if g := p.GridPos; g.X < 0 || g.W <= 0 || g.H <= 0 || g.X+g.W > 24 {
			t.Errorf("%s lies outside: %+v", p.Title, g)
		}
		for _, other := range d.Panels[:i] {
			a, b := p.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies on %s", p.Title, other.Title)
			}
		}
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%s reads %q", p.Title, target.Datasource.UID)
			}
			wantServed(t, variables.Replace(target.Expr))
		}
	}
	for _, v := range d.Templating.List {
		if v.Name == "instance" && !strings.Contains(string(v.Query), "label_values(bookend_build_info, instance)") {
			t.Errorf("the nodes come from %s", v.Query)
		}
	}
}

func TestEachMetricIsOnTheDashboard(t *testing.T) {
	data, err := os.ReadFile(dashboardPath)
	if err != nil {
		t.Fatal(err)
	}
	for name := range served(t) {
		if strings.HasPrefix(name, "bookend_") && !strings.Contains(string(data), name) {
			t.Errorf("%s is not on the dashboard", name)
		}
	}
}
