package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"strings"
)

// layer builds one uncompressed image layer. The first error sticks and comes out of finish, so
// that a layer reads as the list of its files.
type layer struct {
	content bytes.Buffer
	archive *tar.Writer
	err     error
}

func newLayer() *layer {
	l := &layer{}
	l.archive = tar.NewWriter(&l.content)
	return l
}

// dir adds a directory. Parents are not added for it. mode is an octal mode with set-id and sticky bits.
func (l *layer) dir(name string, mode int64) {
	l.add(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

// file adds a regular file owned by root.
func (l *layer) file(name string, mode int64, content []byte) {
	l.add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}, content)
}

// copy adds a file of this machine.
func (l *layer) copy(name string, mode int64, source string) {
	content, err := os.ReadFile(source)
	if err != nil && l.err == nil {
		l.err = err
	}
	l.file(name, mode, content)
}

// link adds a hard link to a file already in the layer. Hard, because a mount over one name (CRI's
// masked paths) must not cover the others. Its mode is the target's too: unpacking sets it.
func (l *layer) link(name, target string, mode int64) {
	l.add(&tar.Header{Typeflag: tar.TypeLink, Name: name, Mode: mode, Linkname: strings.TrimPrefix(target, "/")}, nil)
}

func (l *layer) add(header *tar.Header, content []byte) {
	if l.err != nil {
		return
	}
	header.Name = strings.TrimPrefix(header.Name, "/")
	if err := l.archive.WriteHeader(header); err != nil {
		l.err = fmt.Errorf("layer: %s: %w", header.Name, err)
		return
	}
	if _, err := l.archive.Write(content); err != nil {
		l.err = fmt.Errorf("layer: %s: %w", header.Name, err)
	}
}

// finish returns the layer as a tar archive.
func (l *layer) finish() ([]byte, error) {
	if l.err != nil {
		return nil, l.err
	}
	if err := l.archive.Close(); err != nil {
		return nil, fmt.Errorf("layer: %w", err)
	}
	return l.content.Bytes(), nil
}
