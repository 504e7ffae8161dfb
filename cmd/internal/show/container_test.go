package show

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bookend.dev/bookend/hooks/record"
)

// inPod is a container of a pod in Kubernetes' namespace default.
func inPod(id, pod, name string) record.Subject {
	return record.Subject{Namespace: "k8s.io", Container: id, Name: name, Pod: pod, PodNamespace: "default"}
}

func known() []record.Subject {
	other := inPod("ee01", "web", "nginx")
	other.PodNamespace = "test"
	return []record.Subject{
		inPod("aa01", "web", "nginx"), inPod("aa02", "web", "nginx"), // one restart
		inPod("ab03", "web", "log"), inPod("bb04", "db", "log"), inPod("bb05", "db", "main"),
		inPod("cc06", "db", "cc"), other,
		{Namespace: "default", Container: "cc"}, {Namespace: "default", Container: "ccc"},
		{Namespace: "k8s.io", Container: "dd07", Name: "same"}, {Namespace: "moby", Container: "dd08", Name: "same"},
		{Namespace: "default", Container: "twin"}, {Namespace: "moby", Container: "twin"},
		{Namespace: "default", Container: "ff09", Name: "shop"}, {Namespace: "default", Container: "ff10", Name: "shop"},
		inPod("aa01", "web", "nginx"),
	}
}

func TestFind(t *testing.T) {
	for word, want := range map[string]string{ // ids, or what the error says
		"aa01":              "aa01",
		"aa":                "! aa: 2 containers go by this:\n  k8s.io  aa01  default/web/nginx\n  k8s.io  aa02  default/web/nginx",
		"ab":                "ab03",
		"bb05":              "bb05",
		"main":              "bb05",
		"db/log":            "bb04",
		"log":               "! log: 2 containers go by this:\n  k8s.io  bb04  default/db/log\n  k8s.io  ab03  default/web/log",
		"default/web/nginx": "aa01 aa02",
		"test/web/nginx":    "ee01",
		"cc":                "cc", // an id before a name, before beginnings
		"db/cc":             "cc06",
		"ccc":               "ccc",
		"e":                 "ee01",
		"twin":              "! twin: 2 containers go by this:\n  default  twin\n  moby  twin",
		"same":              "! same: 2 containers go by this:\n  k8s.io  dd07  same\n  moby  dd08  same",
		"shop":              "ff09 ff10", // made again under its name
		"web":               "! web: no container with hooks has this id or name",
		"":                  "! : no container with hooks has this id or name",
		"\x1b[2J":           `! \x1b[2J: no container with hooks has this id or name`,
	} {
		found, err := Find(word, known())
		var got []string
		for _, c := range known() {
			if err == nil && found.Has(c) && !slices.Contains(got, c.Container) {
				got = append(got, c.Container)
			}
		}
		if err != nil {
			got = []string{"! " + err.Error()}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	var ambiguous *AmbiguousError
	if _, err := Find("web/nginx", known()); !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != 3 {
		t.Errorf("pods of two Kubernetes namespaces: %v", err)
	}
	if _, err := Find("web", known()); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}

func TestShortID(t *testing.T) {
	generated := strings.Repeat("0123456789abcdef", 4)
	for id, want := range map[string]string{
		generated: "0123456789ab", generated + "0": generated + "0", "front-end-of-the-shop": "front-end-of-the-shop", "": "",
	} {
		if got := ShortID(id); got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	want := []string{"bb04", "c", "db/log", "dd", "web"}
	if got := Words([]record.Subject{inPod("bb04", "db", "log"), {Container: "c"}, {Container: "dd", Name: "web"}, inPod("bb04", "db", "log")}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
