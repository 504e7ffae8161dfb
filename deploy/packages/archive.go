package main

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"slices"
	"strings"
)

func compare(a, b string) int { return strings.Compare(a, b) }

// archive writes the tar archive: a directory whose bin/bookend installs it.
func (r *release) archive(all []file) error {
	out, err := r.create(r.name() + ".tar.gz")
	if err != nil {
		return err
	}
	defer out.Close()
	zip := gzip.NewWriter(out)
	w := tar.NewWriter(zip)
	slices.SortFunc(all, func(a, b file) int { return compare(a.inTar, b.inTar) })
	for _, f := range all {
		if f.inTar == "" {
			continue
		}
		if err := r.add(w, f); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return out.Close()
}

func (r *release) add(w *tar.Writer, f file) error {
	from, err := os.Open(f.source)
	if err != nil {
		return err
	}
	defer from.Close()
	st, err := from.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: r.name() + "/" + f.inTar, Size: st.Size(), Mode: int64(f.mode), ModTime: r.time,
		Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
	}); err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return err
}
