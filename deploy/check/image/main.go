// Command image builds the image of a Containerfile without a daemon: it carries out the
// few instructions that an image from scratch needs, and refuses all others. It writes
// an archive of the OCI's image layout, which `ctr images import`, skopeo and podman read.
//
// The same files give the same bytes: every time in the image is the one given, and
// nothing tells of the machine, the directory or the user that it was made by.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// options are what an image is made of beside its Containerfile.
type options struct {
	root string            // the directory that COPY copies from
	args map[string]string // values of ARG
	arch string            // as Go calls it
	time time.Time
}

func main() {
	o := options{args: map[string]string{}}
	var file, name, out string
	var epoch int64
	flag.StringVar(&file, "file", "", "the Containerfile")
	flag.StringVar(&o.root, "root", ".", "the directory that files are copied from")
	flag.StringVar(&o.arch, "arch", "", "the architecture of its binaries, as Go calls it")
	flag.StringVar(&name, "name", "", "the image's name, with its tag")
	flag.StringVar(&out, "out", "", "the archive that is written")
	flag.Int64Var(&epoch, "epoch", 0, "the time in the image, in seconds since 1970")
	flag.Func("build-arg", "NAME=VALUE of an ARG", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("must be NAME=VALUE")
		}
		o.args[name] = value
		return nil
	})
	flag.Parse()
	o.time = time.Unix(epoch, 0).UTC()
	if err := run(file, name, out, o); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

func run(file, name, out string, o options) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	image, err := build(text, o)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := writeArchive(f, image, name, o.time); err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	return f.Close()
}
