package manifest

import (
	"slices"
	"strings"
	"time"

	"bookend.dev/bookend/hooks"
	"go.yaml.in/yaml/v4"
)

// composeGrace is the time that Compose gives a container between its stop signal
// and SIGKILL, unless the file says another.
const composeGrace = 10 * time.Second

// isCompose tells a Compose file by its services and by what else is at its top.
func isCompose(root *yaml.Node) bool {
	known := []string{"services", "version", "name", "networks", "volumes", "configs", "secrets", "include", "models"}
	return isMapping(field(root, "services")) && !slices.ContainsFunc(entries(root), func(e entry) bool {
		return !slices.Contains(known, e.key.Value) && !strings.HasPrefix(e.key.Value, "x-")
	})
}

// compose checks a Compose file, whose services have their annotations as a
// mapping or as a list of KEY=VALUE.
func (r *reporter) compose(root *yaml.Node) {
	r.duplicates(root)
	for _, e := range mergedEntries(field(root, "services")) {
		service := follow(e.value)
		if !isMapping(service) {
			continue
		}
		r.Objects++
		path := join("services", e.key.Value)
		r.service(service, path)
		r.labels(field(service, "labels"), join(path, "labels"))
		r.labels(field(field(service, "deploy"), "labels"), join(path, "deploy.labels"))
	}
}

// service checks the annotations of a service, and what else would act on them.
func (r *reporter) service(service *yaml.Node, path string) {
	var annotated *yaml.Node
	r.dashed(field(service, "annotations"), join(path, "annotations"))
	r.annotations(pairs(field(service, "annotations")), join(path, "annotations"), hooks.AnnotationKey, func(e entry, at, _ string) {
		if e.key.Value == hooks.AnnotationKey {
			annotated = e.key
			r.composeHooks(service, e, at)
		} else {
			r.add(Warning, e.key.Line, at, "has no effect here: a container that is not CRI's reads %s", hooks.AnnotationKey)
		}
	})
	if annotated == nil {
		return
	}
	if text(service, "runtime") == "" {
		r.add(Warning, annotated.Line, join(path, "runtime"), "is not set: the hooks run only if bookend is the daemon's default runtime")
	}
	for _, name := range []string{"post_start", "pre_stop"} {
		if key, value := written(service, name); key != nil && present(value) != nil {
			r.add(Warning, key.Line, join(path, name), "is Compose's own hook: it would run too, beside those of the annotation %s", hooks.AnnotationKey)
		}
	}
}

// dashed notes the items of a list that are mappings, "- KEY: VALUE" or a
// "- KEY=VALUE" whose value has a colon in it, and ours. Compose takes neither.
func (r *reporter) dashed(list *yaml.Node, path string) {
	for i, item := range items(list) {
		for _, e := range entries(item) {
			if key, _, _ := strings.Cut(e.key.Value, "="); seemsOurs(key) {
				r.add(Error, e.key.Line, itemPath(path, i), "must be a string KEY=VALUE, got a mapping: quote the whole item, or write annotations without dashes")
			}
		}
	}
}

// composeHooks checks the annotation of a service.
func (r *reporter) composeHooks(service *yaml.Node, e entry, path string) {
	v := r.value(e, path)
	if v == nil {
		return
	}
	v.text = strings.ReplaceAll(v.text, "$$", "$") // Compose's own way to write one
	v.root = valueRoot(v.text)
	v.terminal = isTrue(service, "tty")
	l := r.check(v, v.alone(), limits{stopSignal: text(service, "stop_signal")})
	grace := composeGrace
	if d, err := time.ParseDuration(text(service, "stop_grace_period")); err == nil {
		grace = d
	}
	if l == nil || l.PreStop == nil {
		return
	}
	if d, names := sleeps(l.PreStop); d >= grace && grace > 0 && field(v.root, hooks.FieldPreStop) != nil {
		r.warn(v, names, "%s is not shorter than the service's stop_grace_period of %s: SIGKILL comes first", seconds(d), seconds(grace))
	}
}

// labels checks hooks that are labels, which no runtime reads.
func (r *reporter) labels(labels *yaml.Node, path string) {
	for _, e := range pairs(labels) {
		if !seemsOurs(e.key.Value) {
			continue
		}
		at := keyPath(path, e.key.Value)
		r.add(Warning, e.key.Line, at, "has no effect as a label, which no runtime is told of: write it under annotations, as %s", hooks.AnnotationKey)
		if e.key.Value == hooks.AnnotationKey {
			if v := r.value(e, at); v != nil {
				r.resolve(v, v.alone())
			}
		}
	}
}

// pairs are the fields of a mapping, or what a list of KEY=VALUE says.
func pairs(n *yaml.Node) []entry {
	if isMapping(n) {
		return mergedEntries(n)
	}
	var list []entry
	for _, item := range items(n) {
		if item.Kind != yaml.ScalarNode {
			continue
		}
		key, value, _ := strings.Cut(item.Value, "=")
		k, v := scalar(key), scalar(value)
		k.Line, v.Line = item.Line, item.Line
		if item.Style&yaml.LiteralStyle != 0 {
			v.Style = yaml.LiteralStyle
			v.Line-- // the first line of the value is that behind the indicator
		}
		list = append(list, entry{k, v})
	}
	return list
}
