package manifest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// flowWriter writes random collections in flow style, with comments wherever they
// may stand, each with a number of its own.
type flowWriter struct {
	*rand.Rand
	strings.Builder
	comments int
}

// gap writes blanks, line breaks and comments between two tokens.
func (s *flowWriter) gap() {
	switch s.IntN(8) {
	case 0:
		s.comments++
		fmt.Fprintf(s, " # c%d\n    ", s.comments)
	case 1:
		s.WriteString("\n   ")
	case 2:
		s.comments++
		fmt.Fprintf(s, "\n    # c%d\n\t  ", s.comments)
	case 3:
		s.WriteString(" \t")
	default:
		s.WriteString(" ")
	}
}

func (s *flowWriter) scalar() string {
	all := []string{
		"plain", "two words", "two\n   lines", "a#b", "http://x:80/y?z", "-1", "1.5", "true", "null", "~", "''", `""`, "'it''s # no comment'",
		`"a \"b\" # no comment, no: [end]}"`, "\"folded\n\n     text\\\n     on\\n\\\n     \\  more\"", "'single\n    lines'", "-x", "!!str 5", `"\u00e9"`, "größe",
	}
	return all[s.IntN(len(all))]
}

func (s *flowWriter) value(depth int) {
	switch kind := s.IntN(5); {
	case kind == 0 && depth < 5:
		s.collection("[", "]", depth, func(int) {})
	case kind <= 2 && depth < 5:
		s.collection("{", "}", depth, func(i int) {
			key := []string{"k%d", `"k%d"`, "'k%d'", "k %d"}[s.IntN(4)]
			fmt.Fprintf(s, key, i)
			if s.IntN(4) == 0 {
				s.gap()
			}
			s.WriteString(":")
			s.gap()
		})
	default:
		s.WriteString(s.scalar())
	}
}

func (s *flowWriter) collection(open, end string, depth int, key func(int)) {
	s.WriteString(open)
	s.gap()
	for i := range s.IntN(4) {
		if i > 0 {
			s.WriteString(",")
			s.gap()
		}
		key(i)
		s.value(depth + 1)
		s.gap()
	}
	s.WriteString(end)
}

// TestFlowIsPrintedAsItWas holds what is printed in block style against what it
// was: the same values, and each comment once.
func TestFlowIsPrintedAsItWas(t *testing.T) {
	read := 0
	for seed := range uint64(5000) {
		s := &flowWriter{Rand: rand.New(rand.NewPCG(seed, 1))}
		s.collection("{", "}", 0, func(i int) { fmt.Fprintf(s, "k%d: ", i) })
		in := s.String()
		want := rootOf(in)
		if want == nil || len(want.Content) == 0 {
			continue // the parts do not fit together
		}
		f, length, err := readFlow(in+"\nrest", 0)
		if err != nil || length != len(in) {
			t.Fatalf("seed %d: %v, %d of %d read:\n%s", seed, err, length, len(in), in)
		}
		read++
		out := strings.Join(append([]string{f.head}, f.lines...), "\n") + "\n"
		if got := rootOf(out); got == nil || !equal(got, want) {
			t.Fatalf("seed %d: printed\n%s\nof\n%s", seed, out, in)
		}
		for c := range s.comments {
			if comment := fmt.Sprintf("# c%d\n", c+1); strings.Count(out, comment) != 1 {
				t.Fatalf("seed %d: %q is there %d times:\n%s\nof\n%s", seed, comment, strings.Count(out, comment), out, in)
			}
		}
	}
	if read < 2000 {
		t.Errorf("only %d of the collections are YAML", read)
	}
}

func TestFlowThatIsNotRead(t *testing.T) {
	for _, in := range []string{"{? a : b}", "[a: b]", "{a: &x {b: c}}", "{a: !!map {b: c}}", "{a: b", "{a: 'b}", "{[a]: b}", "{\"a\nb\": c}"} {
		if f, _, err := readFlow(in, 0); err == nil {
			t.Errorf("%s: read as %+v", in, f)
		}
	}
	if _, _, err := readFlow(strings.Repeat("[", 2000), 0); err == nil {
		t.Error("2000 levels were read")
	}
}
