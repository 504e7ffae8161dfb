package hooks

import (
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"
)

// docExamples returns the code blocks of the package's comment.
func docExamples(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok {
			blocks = append(blocks, code.Text)
		}
	}
	return blocks
}

func TestExamplesOfTheDocumentation(t *testing.T) {
	blocks := docExamples(t)
	if len(blocks) != 3 {
		t.Fatalf("%d examples, want two annotations and a configuration", len(blocks))
	}
	for _, text := range blocks[:2] {
		if l, err := Resolve(map[string]string{AnnotationKey: text}, openConfig); err != nil || l.PreStop == nil {
			t.Errorf("%s\n%+v, %v", text, l, err)
		}
	}
	c, err := ParseConfig([]byte(blocks[2]), "doc.go")
	if err != nil || c.Defaults.PreStop.Sleep.Duration != 5*time.Second || !c.Runc.SystemdCgroup || len(c.Policy.AllowHosts) != 2 {
		t.Errorf("%s\n%+v, %v", blocks[2], c, err)
	}
}

// The first example promises to show every field there is.
func TestDocumentationShowsEveryField(t *testing.T) {
	text := docExamples(t)[0] + docExamples(t)[1]
	for _, name := range []string{
		"postStart", "preStop", "stopSignal", "stopSignals", "terminationGracePeriodSeconds",
		"exec", "httpGet", "sleep", "timeoutSeconds", "retries", "failurePolicy", "output",
		"command", "user", "env", "workingDir", "port", "host", "path", "scheme", "httpHeaders", "expectStatus", "seconds",
	} {
		if !strings.Contains(text, name+":") {
			t.Errorf("%s is not shown", name)
		}
	}
}

// TestPodManifest reads a lifecycle as it stands in a Pod, indentation and all.
func TestPodManifest(t *testing.T) {
	const manifest = `
      postStart:
        exec:
          command: ["/bin/sh", "-c", "echo started > /usr/share/message"]
      preStop:
        exec:
          command:
          - /bin/sh
          - -c
          - |
            nginx -s quit
            while pidof nginx; do sleep 1; done
`
	l, err := Resolve(map[string]string{AnnotationKey: manifest}, noConfig)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.PreStop.Exec.Command[2]; got != "nginx -s quit\nwhile pidof nginx; do sleep 1; done\n" {
		t.Errorf("preStop runs %q", got)
	}
	if got := l.PostStart.Exec.Command[2]; got != "echo started > /usr/share/message" {
		t.Errorf("postStart runs %q", got)
	}
}
