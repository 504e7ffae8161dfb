package install

import (
	"context"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"bookend.dev/bookend/cmd/internal/criconfig"
)

// Text is something to put into a configuration by other means than an
// installation.
type Text string

// The texts.
const (
	// TextDropIn is a file for a directory that containerd's main file imports.
	TextDropIn Text = "drop-in"
	// TextNodeConfig is an object for nodeadm, on EKS.
	TextNodeConfig Text = "nodeconfig"
)

// Print returns a text, made from containerd's main file, with notes for people.
// It changes nothing.
func Print(ctx context.Context, opts Options, text Text) (out []byte, notes []string, err error) {
	p := &Plan{opts: opts, state: &state{}}
	cfg, err := criconfig.Read(ctx, opts.ContainerdConfig, opts.Merging)
	if err != nil {
		return nil, nil, err
	}
	if !cfg.Exists {
		return nil, nil, fmt.Errorf("%s: %w", cfg.Path, errNoFile)
	}
	if text == TextNodeConfig {
		out, err = p.nodeConfig(cfg)
		return out, p.Notes, err
	}
	table, err := p.table(cfg)
	if err == nil {
		out = dropInText(cfg, table)
	}
	return out, p.Notes, err
}

// nodeConfig is an object of nodeadm's API v1alpha1 with the runtime alone.
// nodeadm merges it with others, and its TOML with what it writes itself.
func (p *Plan) nodeConfig(cfg *criconfig.Config) ([]byte, error) {
	table, err := p.table(cfg)
	if err != nil {
		return nil, err
	}
	object := map[string]any{
		"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig",
		"spec": map[string]any{"containerd": map[string]any{"config": strings.TrimLeft(string(table), "\n")}},
	}
	return yaml.Dump(object)
}
