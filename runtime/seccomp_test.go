package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"bookend.dev/bookend/runtime/wire"
)

// compiler stands for bookend-exec and counts how often it is asked.
type compiler struct {
	asked  atomic.Int32
	answer wire.SeccompProgram
	err    error
}

func (c *compiler) compile(context.Context, []byte) ([]byte, error) {
	c.asked.Add(1)
	data, _ := json.Marshal(c.answer)
	return data, c.err
}

// aProgram is one that lets everything pass.
func aProgram() wire.SeccompProgram {
	return wire.SeccompProgram{Flags: 4, Program: []byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, Libseccomp: "2.5.4"}
}

const aProfile = `{"defaultAction": "SCMP_ACT_ALLOW"}`

func TestProgramIsCompiledOnceForAShim(t *testing.T) {
	c := &compiler{answer: aProgram()}
	s := NewSeccompPrograms(t.TempDir(), "v1", c.compile)
	s.files.dir = "/proc/none" // whatever is kept there
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			p, err := s.Program(t.Context(), json.RawMessage(aProfile), Identity{})
			if err != nil || string(p.Program) != string(c.answer.Program) || p.Flags != 4 || p.Prctl {
				t.Errorf("got %v, %v", p, err)
			}
		})
	}
	wg.Wait()
	if n := c.asked.Load(); n != 1 {
		t.Errorf("compiled %d times", n)
	}
}

func TestNoProfileNeedsNoProgram(t *testing.T) {
	c := &compiler{answer: aProgram()}
	p, err := NewSeccompPrograms(t.TempDir(), "v1", c.compile).Program(t.Context(), nil, Identity{})
	if p != nil || err != nil || c.asked.Load() != 0 {
		t.Errorf("got %v, %v", p, err)
	}
}

// What a program depends on is in its digest, and nothing else is.
func TestDigestIsThatOfTheInput(t *testing.T) {
	digest := func(binary, profile string) string {
		d, err := NewSeccompPrograms("", binary, nil).digest(json.RawMessage(profile))
		must(t, err)
		return d
	}
	same := digest("v1", aProfile)
	if other := digest("v1", "{\n  \"defaultAction\":\"SCMP_ACT_ALLOW\" }"); other != same {
		t.Error("white space makes another program")
	}
	for name, other := range map[string]string{
		"another binary": digest("v2", aProfile),
		"empty flags":    digest("v1", `{"defaultAction": "SCMP_ACT_ALLOW", "flags": []}`),
		"null flags":     digest("v1", `{"defaultAction": "SCMP_ACT_ALLOW", "flags": null}`),
	} {
		if other == same {
			t.Errorf("%s makes the same program", name)
		}
	}
}

// A rule that one library knows and the other does not makes two programs.
func TestRulesOfTheRuntimesLibrary(t *testing.T) {
	for name, tc := range map[string]struct {
		unresolved []string
		runtime    string
		own        string // in the reason to use the runtime's own exec; "": the program is used
	}{
		"all known, the same library":      {nil, "2.5.4", ""},
		"all known, a newer library":       {nil, "2.6.0", ""},
		"all known, newer by a digit more": {nil, "2.10.0", ""},
		"all known, no library named":      {nil, "", ""},
		"all known, an older library":      {nil, "2.5.3", "2.5.3"},
		"all known, older by a digit less": {nil, "2.4.10", "2.4.10"},
		"all known, one that is no number": {nil, "devel", "devel"},
		"not all, the same library":        {[]string{"mseal"}, "2.5.4", ""},
		"not all, a newer library":         {[]string{"mseal"}, "2.6.0", "mseal"},
		"not all, an older library":        {[]string{"mseal"}, "2.5.3", "mseal"},
		"not all, no library named":        {[]string{"mseal"}, "", "mseal"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &compiler{answer: aProgram()}
			c.answer.Unresolved = tc.unresolved
			p, err := NewSeccompPrograms(t.TempDir(), "v1", c.compile).
				Program(t.Context(), json.RawMessage(aProfile), Identity{Libseccomp: tc.runtime})
			if tc.own == "" {
				if p == nil || err != nil {
					t.Errorf("got %v, %v", p, err)
				}
				return
			}
			var own *SeccompError
			if p != nil || !errors.As(err, &own) || !strings.Contains(err.Error(), tc.own) {
				t.Errorf("got %v, %v", p, err)
			}
		})
	}
}

func TestCompilerThatFailsIsAskedAgain(t *testing.T) {
	c := &compiler{err: errors.New("it has a listener")}
	s := NewSeccompPrograms(t.TempDir(), "v1", c.compile)
	_, err := s.Program(t.Context(), json.RawMessage(aProfile), Identity{})
	var own *SeccompError
	if !errors.As(err, &own) || !errors.Is(err, c.err) {
		t.Errorf("got %v", err)
	}
	c.answer, c.err = aProgram(), nil
	if p, err := s.Program(t.Context(), json.RawMessage(aProfile), Identity{}); p == nil || err != nil {
		t.Errorf("got %v, %v", p, err)
	}
}

// A program that would confine less, or that the joiner could not load, is none.
func TestAnswersThatAreNoProgram(t *testing.T) {
	for name, edit := range map[string]func(*wire.SeccompProgram){
		"empty":              func(p *wire.SeccompProgram) { p.Program = nil },
		"half instructions":  func(p *wire.SeccompProgram) { p.Program = p.Program[:7] },
		"too many":           func(p *wire.SeccompProgram) { p.Program = make([]byte, 8*4097) },
		"a listener's flags": func(p *wire.SeccompProgram) { p.Flags = 8 },
		"prctl with flags":   func(p *wire.SeccompProgram) { p.Prctl = true },
		"no library":         func(p *wire.SeccompProgram) { p.Libseccomp = "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := &compiler{answer: aProgram()}
			edit(&c.answer)
			p, err := NewSeccompPrograms(t.TempDir(), "v1", c.compile).Program(t.Context(), json.RawMessage(aProfile), Identity{})
			if p != nil || !errors.Is(err, errNoProgram) {
				t.Errorf("got %v, %v", p, err)
			}
		})
	}
}

// Who waits for another's compilation can give up.
func TestProgramWaitsNoLongerThanItsContext(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	s := NewSeccompPrograms(t.TempDir(), "v1", func(context.Context, []byte) ([]byte, error) {
		close(begun)
		<-end
		return json.Marshal(aProgram())
	})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(end)
	wg.Go(func() {
		if _, err := s.Program(t.Context(), json.RawMessage(aProfile), Identity{}); err != nil {
			t.Error(err)
		}
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Program(ctx, json.RawMessage(aProfile), Identity{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
