package hooks

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

func parseYAML(text string) (*value, error) {
	root := &value{}
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil, root.fail("cannot be read: %v", err)
	}
	var doc, second yaml.Node
	if err := loader.Load(&doc); err != nil {
		return nil, yamlError(err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, root.fail("must be a single YAML document, got more")
	case !errors.Is(err, io.EOF):
		return nil, yamlError(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, root.fail("must be a Kubernetes Lifecycle object, got an empty document")
	}
	return fromYAML(doc.Content[0], nil, 0)
}

// yamlError keeps place and message of a syntax error, on one line.
func yamlError(err error) error {
	var load *yaml.LoadError
	switch {
	case errors.Is(err, io.EOF):
		return (&value{}).fail("must be a Kubernetes Lifecycle object, got an empty document")
	case !errors.As(err, &load):
		return (&value{}).fail("is not valid YAML: %s", quoteMessage(err.Error()))
	}
	message := syntaxMessage(load.Message)
	invalid := &InvalidError{Message: "is not valid YAML: " + message, ValueLine: load.Mark.Line, Err: load}
	if load.Mark.Line > 0 {
		invalid.Message = fmt.Sprintf("is not valid YAML: line %d, column %d: %s", load.Mark.Line, load.Mark.Column, message)
	}
	return invalid
}

// syntaxMessage is what the library says of a syntax error. Only of an alias does
// it repeat the name, which to its author may be a password that begins with "*".
func syntaxMessage(s string) string {
	if strings.HasPrefix(s, "unknown anchor ") {
		return "is an alias of nothing: put text that begins with * in quotes"
	}
	return quoteMessage(s)
}

// fromYAML copies a tree of nodes, refusing what JSON cannot say: the author
// and bookend might read it differently.
func fromYAML(n *yaml.Node, at *path, depth int) (*value, error) {
	v := &value{path: at, line: n.Line}
	switch {
	case depth > maxDepth:
		return nil, v.fail("must not nest deeper than %d levels", maxDepth)
	case n.Kind == yaml.AliasNode:
		return nil, v.fail("must not be a YAML alias")
	case n.Anchor != "":
		return nil, v.fail("must not carry a YAML anchor")
	case n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str":
		// Not named: to its author it may be a password that begins with "!".
		return nil, v.fail("must not carry a YAML tag: put text that begins with ! in quotes")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return v, v.fieldsFromYAML(n, depth)
	case yaml.SequenceNode:
		v.kind = kindList
		for i, c := range n.Content {
			item, err := fromYAML(c, at.item(i), depth+1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
	case yaml.ScalarNode:
		v.kind, v.text = scalarKind(n), n.Value
	default:
		return nil, v.fail("is not valid YAML")
	}
	return v, nil
}

func (v *value) fieldsFromYAML(n *yaml.Node, depth int) error {
	v.kind = kindTable
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.ShortTag() == "!!merge":
			return v.fail("must not use the YAML merge key <<")
		case key.Kind != yaml.ScalarNode:
			return v.fail("must have strings as keys")
		}
		name := v.path.child(key.Value)
		if seen[key.Value] {
			return (&value{path: name, line: key.Line}).fail("duplicate key %s", quote(key.Value))
		}
		seen[key.Value] = true
		if k, err := fromYAML(key, name, depth+1); err != nil {
			return err
		} else if k.kind != kindString {
			return k.fail("must have a string as its key, got %s", k.kind)
		}
		field, err := fromYAML(n.Content[i+1], name, depth+1)
		if err != nil {
			return err
		}
		field.line = key.Line
		v.items = append(v.items, field)
	}
	return nil
}

// yaml11Booleans are booleans to YAML 1.1, which Kubernetes' tools read, and
// strings to YAML 1.2. Kubernetes refuses them where a string belongs.
func yaml11Booleans() []string { return []string{"y", "n", "yes", "no", "on", "off"} }

func scalarKind(n *yaml.Node) kind {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		return kindNull
	case tag == "!!bool":
		return kindBool
	case tag == "!!int", plain && n.Tag != "!" && isWhole(n.Value):
		return kindInt
	case tag == "!!float":
		return kindFloat
	}
	// A timestamp falls through: to Kubernetes it is a string.
	if plain && n.Tag != "!" && slices.Contains(yaml11Booleans(), strings.ToLower(n.Value)) {
		return kindBool
	}
	return kindString
}

// isWhole tells whether s is a whole number. To the library, one beyond 64 bits
// is a float or a string, and -0 a float.
func isWhole(s string) bool {
	digits := s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
	}
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}
