package kube

import (
	"os"

	"bookend.dev/bookend/integration/harness"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// stopImage is an image of busybox whose STOPSIGNAL no runtime takes for a stop.
const stopImage = "bookend.dev/test/stopsignal:1"

func newStopImage(bins harness.Binaries) (harness.Image, error) {
	program, err := bins.Busybox()
	if err != nil {
		return harness.Image{}, err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return harness.Image{}, err
	}
	files := []harness.File{{Path: "bin/", Dir: true}, {Path: "bin/busybox", Content: content}}
	for _, applet := range []string{"sh", "sleep"} {
		files = append(files, harness.File{Path: "bin/" + applet, Link: "busybox"})
	}
	layer, err := harness.NewLayer(files)
	if err != nil {
		return harness.Image{}, err
	}
	return harness.Image{
		Name: stopImage, Layers: []harness.Layer{layer},
		Config: ocispec.ImageConfig{Env: []string{"PATH=/bin"}, StopSignal: "SIGUSR1"},
	}, nil
}
