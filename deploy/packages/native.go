package main

import (
	"path/filepath"
	"slices"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // register the formats
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const summary = "Container lifecycle hooks in containerd: postStart and preStop"

// native writes a deb or an rpm.
func (r *release) native(format string, all []file) error {
	scripts := filepath.Join(r.root, "deploy", "packages", "scripts")
	info := &nfpm.Info{
		Name: "bookend", Arch: r.arch, Platform: "linux", Version: r.version, Release: "1", MTime: r.time,
		Section: "admin", Priority: "optional", Maintainer: "The bookend authors <maintainers@bookend.dev>",
		Description: summary + "\nA containerd shim that wraps the one for runc and runs hooks of containers, and\nthe command line for it.",
		Vendor:      "bookend", Homepage: "https://bookend.dev", License: "Apache-2.0", DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			// Nodes have containerd and runc from many places.
			Suggests: []string{"containerd", "runc"},
			Scripts:  nfpm.Scripts{PostInstall: filepath.Join(scripts, "postinstall.sh"), PreRemove: filepath.Join(scripts, "preremove.sh")},
			RPM:      nfpm.RPM{BuildHost: "bookend", Summary: summary, Group: "System Environment/Base"},
		},
	}
	for _, f := range all {
		if f.path == "" || f.format != "" && f.format != format {
			continue
		}
		c := &files.Content{Source: f.source, Destination: f.path, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: r.time}}
		if f.dir {
			c.Type = files.TypeDir
		}
		if f.link != "" {
			c.Source, c.Type, c.FileInfo.Mode = f.link, files.TypeSymlink, 0o777
		}
		info.Contents = append(info.Contents, c)
	}
	slices.SortFunc(info.Contents, func(a, b *files.Content) int { return compare(a.Destination, b.Destination) })
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	out, err := r.create(packager.ConventionalFileName(info))
	if err != nil {
		return err
	}
	defer out.Close()
	if err := packager.Package(info, out); err != nil {
		return err
	}
	return out.Close()
}
