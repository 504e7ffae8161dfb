package hooks

// RefuseTerminal is asked about a container with a terminal, whose annotations
// these are: what goes to a terminal is one stream, of which nothing can be
// told apart, and a person sits at its end. The error is an [*InvalidError] if
// the container's own annotation asks for "output: container". A default of the
// node's that does goes into records only.
func (l *Lifecycle) RefuseTerminal(annotations map[string]string) error {
	if l == nil {
		return nil
	}
	for _, h := range []*Hook{l.PostStart, l.PreStop} {
		if h == nil || h.byDefault || h.Output != OutputContainer {
			continue
		}
		key, err := annotationFor(annotations)
		if err != nil {
			return err
		}
		return &InvalidError{
			Source: "annotation " + key, Path: string(h.Point) + ".output",
			Message: `must be records for a container with a terminal, got "container"`,
		}
	}
	return nil
}
