package criconfig

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// AddBlock returns text with a block of lines after it. Where text is TOML by
// itself, it makes sure that the result says the same and what block does,
// nothing else. Other text is a template of Go's, whose end is refused where it
// would swallow the line before the block.
func AddBlock(text, block []byte) ([]byte, Edit, error) {
	e := Edit{New: string(block)}
	if n := bytes.LastIndexByte(text, '\n') + 1; n < len(text) {
		e.Old = string(text[n:])
		e.New = e.Old + "\n" + e.New
	}
	out := slices.Concat(bytes.TrimSuffix(text, []byte(e.Old)), []byte(e.New))
	var before, added, after map[string]any
	if err := toml.Unmarshal(text, &before); err != nil {
		if !bytes.Contains(text, []byte("{{")) {
			return nil, Edit{}, err
		}
		if bytes.HasSuffix(bytes.TrimSpace(text), []byte("-}}")) {
			return nil, Edit{}, errTrims
		}
		return out, e, nil
	}
	if err := errors.Join(toml.Unmarshal(block, &added), toml.Unmarshal(out, &after)); err != nil {
		return nil, Edit{}, fmt.Errorf("the file with the runtime: %w", err)
	}
	if !reflect.DeepEqual(after, merge(before, added)) {
		return nil, Edit{}, errChanges
	}
	return out, e, nil
}

// Follows tells whether something in text is of a table of the block that e has
// added, so that it would be of another one without, after Undo has taken the block
// out. It knows nothing of what is no TOML.
func (e Edit) Follows(text, without []byte) bool {
	var now, block, rest map[string]any
	if toml.Unmarshal(text, &now) != nil || toml.Unmarshal([]byte(strings.TrimPrefix(e.New, e.Old)), &block) != nil {
		return false
	}
	return toml.Unmarshal(without, &rest) != nil || !reflect.DeepEqual(now, merge(rest, block))
}

// merge is a with all of b that a does not say.
func merge(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range b {
		ours, both := value.(map[string]any)
		theirs, both2 := out[key].(map[string]any)
		if _, there := out[key]; !there {
			out[key] = value
		} else if both && both2 {
			out[key] = merge(theirs, ours)
		}
	}
	return out
}

// Says tells whether a file, of TOML or a template of it, has a table of a
// runtime of this name.
func Says(file, name string) (bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return textSays(text, name), err
}

// textSays is [Says] of a file's text.
func textSays(text []byte, name string) bool {
	head := regexp.MustCompile(`(?m)^[ \t]*\[[^#\n]*\.runtimes\.["']?` + regexp.QuoteMeta(name) + `["']?[ \t]*[\].]`)
	return head.Match(text)
}

// Replacers are the imported files that replace all of the main file's runtimes in
// a containerd before 2.0.
func (c *Config) Replacers() []string {
	var out []string
	for _, s := range c.files {
		if s.Path != c.Path && s.CRI {
			out = append(out, s.Path)
		}
	}
	return out
}

// HasLine tells whether a line of the main file is exactly this.
func (c *Config) HasLine(line string) (bool, error) {
	text, err := os.ReadFile(c.Path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	for l := range bytes.Lines(text) {
		if string(bytes.TrimSpace(l)) == line {
			return true, err
		}
	}
	return false, err
}
