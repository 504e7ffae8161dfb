package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// build makes the image of a Containerfile.
func build(text []byte, o options) (v1.Image, error) {
	instructions, err := parse(text, o.args)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	config := v1.Config{Labels: map[string]string{}}
	for _, i := range instructions {
		switch i.verb {
		case "LABEL":
			name, value, _ := strings.Cut(i.args[0], "=")
			config.Labels[name] = value
		case "USER":
			config.User = i.args[0]
		case "ENTRYPOINT":
			config.Entrypoint = i.args
		case "COPY":
			layer, err := o.layer(i.args[:len(i.args)-1], i.args[len(i.args)-1])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i.line, err)
			}
			image, err = mutate.Append(image, mutate.Addendum{
				Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: o.time}, CreatedBy: i.text()},
			})
			if err != nil {
				return nil, err
			}
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created, file.Config = "linux", o.arch, v1.Time{Time: o.time}, config
	return mutate.ConfigFile(image, file)
}

// layer has files in a directory.
func (o options) layer(files []string, to string) (v1.Layer, error) {
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	dir := ""
	for _, name := range strings.Split(strings.Trim(to, "/"), "/") {
		dir = path.Join(dir, name)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: o.time, Format: tar.FormatPAX}); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if err := o.addFile(w, file, path.Join(dir, filepath.Base(file))); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// addFile adds a file that belongs to root, whoever it belongs to here.
func (o options) addFile(w *tar.Writer, from, to string) error {
	f, err := os.Open(filepath.Join(o.root, from))
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", from, fs.ErrInvalid)
	}
	mode := int64(0o644)
	if st.Mode()&0o111 != 0 {
		mode = 0o755
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: to, Mode: mode, Size: st.Size(), ModTime: o.time, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
