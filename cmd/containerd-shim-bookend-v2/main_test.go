package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	stockShim = "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"
	ownPrefix = "bookend.dev/bookend/"
)

// moreThanStock is what this shim links and the stock shim does not: packages of ours,
// and what is below these.
var moreThanStock = []string{
	ownPrefix + "hooks", ownPrefix + "runtime", ownPrefix + "shim", ownPrefix + "cmd/containerd-shim-bookend-v2",
	"github.com/containerd/containerd/api/types/runtimeoptions/v1",
	"github.com/moby/sys/capability", "github.com/moby/sys/user",
	"github.com/pelletier/go-toml/v2", "go.yaml.in/yaml/v4", "hash/maphash", // the node's configuration, annotations
	"golang.org/x/net/dns/dnsmessage",
}

// tooLarge is what neither is to link.
var tooLarge = []string{"html/template", "text/template", "golang.org/x/net/trace", "expvar", "net/http/pprof", "testing"}

// What a shim links is initialised four times in the life of a pod, and is in memory for
// all of it.
func TestTheShimLinksLittleMoreThanTheStockShim(t *testing.T) {
	tags := buildTags(t)
	stock := linked(t, tags, stockShim)
	for _, name := range linked(t, tags, ".") {
		if !slices.Contains(stock, name) && !isBelow(name, moreThanStock) {
			t.Errorf("it links %s, and the stock shim does not", name)
		}
		if isBelow(name, tooLarge) {
			t.Errorf("it links %s", name)
		}
	}
}

// buildTags are those that the Makefile has for this program.
func buildTags(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`(?m)^GRPC_TAGS := (.+)$`).FindSubmatch(makefile)
	if tags == nil || !bytes.Contains(makefile, []byte("-tags $(GRPC_TAGS) -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/containerd-shim-bookend-v2")) {
		t.Fatal("the Makefile does not say how the shim is built")
	}
	return string(tags[1])
}

func linked(t *testing.T, tags, program string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-tags", tags, "-deps", program)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return strings.Fields(string(out))
}

// isBelow tells whether a package is one of these, or in a directory below one.
func isBelow(name string, packages []string) bool {
	return slices.ContainsFunc(packages, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}
