package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
)

var (
	errInstruction = errors.New("is no instruction that an image from scratch needs")
	errArguments   = errors.New("wrong arguments")
	errNoValue     = errors.New("has no value: give it by -build-arg")
	errNoFrom      = errors.New("must begin with FROM scratch")
	errNoArg       = errors.New("is no ARG of the file")
)

// instruction is one line of a Containerfile, with its variables replaced.
type instruction struct {
	line int
	verb string   // in capitals
	args []string // a list in JSON, or words
}

// text is what an image's history says of it.
func (i instruction) text() string { return i.verb + " " + strings.Join(i.args, " ") }

// parse reads a Containerfile: an instruction is a line, and has no flags.
func parse(text []byte, given map[string]string) ([]instruction, error) {
	var all []instruction
	values, unused := map[string]string{}, maps.Clone(given)
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		i, err := parseLine(line, values)
		if err == nil && (len(all) == 0) != (i.verb == "FROM") {
			err = errNoFrom
		}
		if err == nil && i.verb == "ARG" {
			declare(i, given, values)
			delete(unused, strings.SplitN(i.args[0], "=", 2)[0])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		i.line = n + 1
		all = append(all, i)
	}
	for name := range unused {
		return nil, fmt.Errorf("%s: %w", name, errNoArg)
	}
	return all, nil
}

func parseLine(line string, values map[string]string) (i instruction, err error) {
	verb, rest, _ := strings.Cut(line, " ")
	i.verb, rest = strings.ToUpper(verb), strings.TrimSpace(rest)
	rest = os.Expand(rest, func(name string) string {
		value, ok := values[name]
		if !ok {
			err = fmt.Errorf("%s: %w", name, errNoValue)
		}
		return value
	})
	if err != nil {
		return i, err
	}
	if strings.HasPrefix(rest, "[") {
		err = json.Unmarshal([]byte(rest), &i.args)
	} else {
		i.args = strings.Fields(rest)
	}
	least, known := map[string]int{"FROM": 1, "ARG": 1, "COPY": 2, "LABEL": 1, "USER": 1, "ENTRYPOINT": 1}[i.verb]
	switch {
	case err != nil:
		return i, fmt.Errorf("%s: %w", i.verb, err)
	case !known:
		return i, fmt.Errorf("%s: %w", i.verb, errInstruction)
	case len(i.args) < least, i.verb != "COPY" && i.verb != "ENTRYPOINT" && len(i.args) != 1,
		i.verb == "FROM" && i.args[0] != "scratch", i.verb == "LABEL" && !strings.Contains(i.args[0], "="),
		i.verb == "COPY" && (strings.HasPrefix(i.args[0], "--") || !strings.HasPrefix(i.args[len(i.args)-1], "/") || !strings.HasSuffix(i.args[len(i.args)-1], "/")),
		i.verb == "ENTRYPOINT" && rest[0] != '[': // a shell would be needed
		return i, fmt.Errorf("%s: %w", line, errArguments)
	}
	return i, nil
}

// declare gives an ARG its value, if it has one.
func declare(i instruction, given, values map[string]string) {
	name, value, has := strings.Cut(i.args[0], "=")
	if v, ok := given[name]; ok {
		value, has = v, true
	}
	if has {
		values[name] = value
	}
}
