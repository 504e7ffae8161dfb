package show

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bookend.dev/bookend/cmd/internal/terminal"
	"bookend.dev/bookend/hooks/record"
)

// generatedID are the ids that no one has chosen: those of the CRI plugin,
// nerdctl and Docker. Twelve characters of one are enough for people.
var generatedID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ShortID is the beginning of a generated id, and any other id as it is.
func ShortID(id string) string {
	if generatedID.MatchString(id) {
		return id[:12]
	}
	return id
}

// Name is what people call a container: "pod/name"; outside CRI "name", where its
// client has handed one over, or nothing.
func Name(c record.Subject) string {
	if c.Pod == "" {
		return c.Name
	}
	return c.Pod + "/" + c.Name
}

// AmbiguousError is a word that several containers go by.
type AmbiguousError struct {
	Word       string
	Candidates []record.Subject
}

func (e *AmbiguousError) Error() string {
	lines := make([]string, len(e.Candidates))
	for i, c := range e.Candidates {
		lines[i] = "\n  " + terminal.Escape(strings.Join(slices.DeleteFunc([]string{c.Namespace, c.Container, fullName(c)}, isEmpty), "  "))
	}
	return fmt.Sprintf("%s: %d containers go by this:%s", terminal.Escape(e.Word), len(lines), strings.Join(lines, ""))
}

func isEmpty(s string) bool { return s == "" }

// fullName also tells pods of one name apart.
func fullName(c record.Subject) string {
	if c.PodNamespace == "" {
		return Name(c)
	}
	return c.PodNamespace + "/" + Name(c)
}

// Found are the containers that a word means.
type Found struct {
	container record.Subject
	byName    bool // others that had its name are meant too
}

// Has tells whether a container is one of them.
func (f Found) Has(c record.Subject) bool {
	if f.byName {
		return sameName(c, f.container)
	}
	return sameContainer(c, f.container)
}

// Find returns the containers that word means: one by its id; all that had one
// name in one pod, of which every restart makes another, or outside of pods; or one by the beginning
// of its id. What comes first in this list wins. A name is "name", "pod/name" or
// "namespace/pod/name", the namespace being Kubernetes'.
//
// Errors are [ErrUnknown] and [AmbiguousError].
func Find(word string, all []record.Subject) (Found, error) {
	for _, means := range []struct {
		takes  func(record.Subject) bool
		byName bool
	}{
		{func(c record.Subject) bool { return c.Container == word }, false},
		{func(c record.Subject) bool { return goesBy(c, word) }, true},
		{func(c record.Subject) bool { return word != "" && strings.HasPrefix(c.Container, word) }, false},
	} {
		candidates := distinct(all, means.takes)
		if len(candidates) == 0 {
			continue
		}
		found := Found{container: candidates[0], byName: means.byName}
		for _, c := range candidates {
			if !found.Has(c) {
				return Found{}, &AmbiguousError{Word: word, Candidates: candidates}
			}
		}
		return found, nil
	}
	return Found{}, fmt.Errorf("%s: %w", terminal.Escape(word), ErrUnknown)
}

func goesBy(c record.Subject, name string) bool {
	return c.Name != "" && slices.Contains([]string{c.Name, Name(c), fullName(c)}, name)
}

func sameContainer(a, b record.Subject) bool {
	return a.Namespace == b.Namespace && a.Container == b.Container
}

func sameName(a, b record.Subject) bool {
	return a.Namespace == b.Namespace && fullName(a) == fullName(b)
}

// distinct returns each container once.
func distinct(all []record.Subject, take func(record.Subject) bool) []record.Subject {
	var found []record.Subject
	for _, c := range all {
		if take(c) && !slices.ContainsFunc(found, func(f record.Subject) bool { return sameContainer(f, c) }) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, compare)
	return found
}

// compare orders containers by namespace, name, id.
func compare(a, b record.Subject) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(fullName(a), fullName(b)), cmp.Compare(a.Container, b.Container))
}

// Words are the ids and names that [Find] knows containers by, for completion.
func Words(all []record.Subject) []string {
	var words []string
	for _, c := range all {
		words = append(words, c.Container)
		if name := Name(c); name != "" {
			words = append(words, name)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
