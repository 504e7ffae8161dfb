package manifest

import (
	"errors"
	"strings"
)

// flow is a collection in flow style ({...}, [...]), or a scalar in one. Scalars
// and comments are texts of the document.
type flow struct {
	open  byte   // '{', '['; 0: a scalar
	text  string // of a scalar, over as many lines as it has; "": null
	head  string // the comment behind what opens the collection
	items []flowItem
	foot  []string // comments before what closes it
}

// flowItem is an item of a list or a field of a mapping.
type flowItem struct {
	above  []string // comments before it
	key    string   // as it is written, quotes included; of a mapping
	value  flow
	beside string // the comment behind it
}

var errNotPlain = errors.New("is in flow style ({...}) with more than keys and values: write it in block style")

// readFlow reads the collection that text begins with, and returns its length.
// What it does not read is rare: anchors and tags of collections, explicit keys,
// items of a list that are single pairs.
func readFlow(text string) (f flow, length int, err error) {
	r := &flowReader{text: text}
	f, err = r.collection(0)
	return f, r.at, err
}

// flowReader reads a collection in flow style.
type flowReader struct {
	text    string
	at      int
	pending []string // comments that no item has yet
}

// peek returns the next character, 0 at the end.
func (r *flowReader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

// skip reads blanks and comments. It returns the comment on the line where it
// began; the others are pending.
func (r *flowReader) skip() (beside string) {
	first := true
	for ; strings.IndexByte(" \t\n#", r.peek()) >= 0 && r.at < len(r.text); r.at++ {
		switch r.peek() {
		case '\n':
			first = false
		case '#':
			comment, _, _ := strings.Cut(r.text[r.at:], "\n")
			r.at += len(comment) - 1
			comment = strings.TrimRight(comment, " \t")
			if first {
				beside = comment
			} else {
				r.pending = append(r.pending, comment)
			}
		}
	}
	return beside
}

// skipToValue reads blanks and comments, which are all pending.
func (r *flowReader) skipToValue() {
	if beside := r.skip(); beside != "" {
		r.pending = append(r.pending, beside)
	}
}

// take returns the pending comments.
func (r *flowReader) take() []string {
	list := r.pending
	r.pending = nil
	return list
}

func (r *flowReader) collection(depth int) (flow, error) {
	f := flow{open: r.peek()}
	end := byte('}')
	if f.open == '[' {
		end = ']'
	}
	if depth > 1000 {
		return f, errNesting
	}
	r.at++
	f.head = r.skip()
	for r.peek() != end {
		item, err := r.item(f.open, depth)
		if err != nil {
			return f, err
		}
		if f.items = append(f.items, item); r.peek() == ',' {
			r.at++
			if item := &f.items[len(f.items)-1]; item.beside == "" {
				item.beside = r.skip()
			} else {
				r.skipToValue()
			}
		} else if r.peek() != end {
			return f, errNotPlain
		}
	}
	r.at++
	f.foot = r.take()
	return f, nil
}

// item reads an item of a collection up to the comma.
func (r *flowReader) item(open byte, depth int) (item flowItem, err error) {
	item.above = r.take()
	if open == '{' {
		if item.key, err = r.key(); err != nil {
			return item, err
		}
	}
	switch c := r.peek(); c {
	case '{', '[':
		item.above = append(item.above, r.take()...)
		item.value, err = r.collection(depth + 1)
	case ',', '}', ']':
	default:
		item.value.text, err = r.scalar()
	}
	if err == nil {
		item.beside = r.skip()
	}
	return item, err
}

// key reads a key and the colon behind it, if there is one, up to its value.
func (r *flowReader) key() (string, error) {
	key, err := r.scalar()
	switch {
	case err != nil:
		return "", err
	case strings.ContainsAny(key, "\n") || key == "" || key[0] == '?':
		return "", errNotPlain
	}
	r.skipToValue()
	if r.peek() == ':' {
		r.at++
		r.skipToValue()
	}
	return key, nil
}

// scalar reads a scalar as it is written.
func (r *flowReader) scalar() (string, error) {
	rest := r.text[r.at:]
	var length int
	switch r.peek() {
	case '"', '\'':
		length = quotedLength(rest)
	default:
		length = plainLength(rest)
	}
	if length <= 0 {
		return "", errNotPlain
	}
	r.at += length
	return rest[:length], nil
}
