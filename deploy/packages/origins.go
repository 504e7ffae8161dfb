package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/generate/bin"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// origins tells what the binaries are made of: the modules and libraries, and the
// texts of their licences.
func (r *release) origins() ([]file, error) {
	bom, err := r.bom()
	if err != nil {
		return nil, fmt.Errorf("list of modules: %w", err)
	}
	var list bytes.Buffer
	if err := cdx.NewBOMEncoder(&list, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return nil, err
	}
	// Beside the packages as well, for those who look before they install.
	if err := os.WriteFile(filepath.Join(r.dist, r.name()+".cdx.json"), list.Bytes(), 0o644); err != nil {
		return nil, err
	}
	licenses, err := r.licenses(bom)
	if err != nil {
		return nil, fmt.Errorf("licences: %w", err)
	}
	var files []file
	for name, data := range map[string][]byte{"sbom.cdx.json": list.Bytes(), "third-party-licenses": licenses} {
		source, err := r.put(name, data)
		if err != nil {
			return nil, err
		}
		files = append(files, file{path: "/usr/share/doc/bookend/" + name, inTar: name, source: source, mode: 0o644})
	}
	return files, nil
}

// bom is that of all three binaries: what is in any of them, once.
func (r *release) bom() (*cdx.BOM, error) {
	merged := cdx.NewBOM()
	components := map[string]cdx.Component{}
	depends := map[string][]string{}
	for _, name := range []string{"bookend", "bookend-exec", "containerd-shim-bookend-v2"} {
		g, err := bin.NewGenerator(filepath.Join(r.bin, name), bin.WithIncludeStdlib(true), bin.WithVersionOverride(r.version), bin.WithShortPURLS(true), bin.WithLogger(zerolog.Nop()))
		if err != nil {
			return nil, err
		}
		of, err := g.Generate()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		merged.Metadata = &cdx.Metadata{Component: of.Metadata.Component, Tools: of.Metadata.Tools}
		for _, c := range *of.Components {
			components[c.BOMRef] = c
		}
		for _, d := range *of.Dependencies {
			if d.Dependencies != nil {
				depends[d.Ref] = append(depends[d.Ref], *d.Dependencies...)
			}
		}
	}
	main := merged.Metadata.Component
	// What is about one binary alone.
	main.Hashes, main.Properties = nil, nil
	for _, lib := range r.libs {
		ref := "pkg:deb/debian/" + lib.name + "@" + lib.version + "?arch=" + r.arch
		components[ref] = cdx.Component{
			BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: lib.name, Version: lib.version, PackageURL: ref,
			Licenses: &cdx.Licenses{{License: &cdx.License{ID: lib.license}}},
		}
		depends[main.BOMRef] = append(depends[main.BOMRef], ref)
	}
	merged.Components, merged.Dependencies = &[]cdx.Component{}, &[]cdx.Dependency{}
	for _, ref := range sorted(components) {
		*merged.Components = append(*merged.Components, components[ref])
	}
	for _, ref := range sorted(depends) {
		slices.Sort(depends[ref])
		on := slices.Compact(depends[ref])
		*merged.Dependencies = append(*merged.Dependencies, cdx.Dependency{Ref: ref, Dependencies: &on})
	}
	return merged, r.identify(merged)
}

// identify gives the list its time, and a number that its content decides.
func (r *release) identify(bom *cdx.BOM) error {
	bom.Metadata.Timestamp = r.time.Format("2006-01-02T15:04:05Z")
	data, err := json.Marshal(bom)
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, data).URN()
	return err
}

func sorted[V any](m map[string]V) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// licenseFile matches what modules call the files that have to go with them.
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|notice|copyright|unlicense|patents)([.-].*)?$`)

// licenses has each text once, after the names of all that it is for.
func (r *release) licenses(bom *cdx.BOM) ([]byte, error) {
	texts := map[string][]string{} // who, by text
	add := func(who, path string) error {
		data, err := os.ReadFile(path)
		text := strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
		if !slices.Contains(texts[text], who) {
			texts[text] = append(texts[text], who)
		}
		return err
	}
	dirs, err := r.moduleDirs(bom)
	if err != nil {
		return nil, err
	}
	for _, who := range sorted(dirs) {
		entries, err := os.ReadDir(dirs[who])
		if err != nil {
			return nil, err
		}
		found := false
		for _, e := range entries {
			if !e.IsDir() && licenseFile.MatchString(e.Name()) {
				found = true
				err = errors.Join(err, add(who, filepath.Join(dirs[who], e.Name())))
			}
		}
		if !found {
			err = errors.Join(err, fmt.Errorf("%s has no licence file", who))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, lib := range r.libs {
		if err := add(lib.name+" "+lib.version, lib.text); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	out.WriteString("bookend's binaries contain the following, under the terms after each list.\n" +
		"bookend's own are in the file copyright or LICENSE beside this one. The libraries in\n" +
		"C are linked statically: bookend's sources link with others.\n")
	order := sorted(texts)
	slices.SortStableFunc(order, func(a, b string) int { return strings.Compare(texts[a][0], texts[b][0]) })
	for _, text := range order {
		fmt.Fprintf(&out, "\n%s\n\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(texts[text], "\n"), text)
	}
	return out.Bytes(), nil
}

// moduleDirs are the directories of the modules' sources, by name and version.
func (r *release) moduleDirs(bom *cdx.BOM) (map[string]string, error) {
	dirs := map[string]string{}
	args := []string{"list", "-m", "-json"}
	for _, c := range *bom.Components {
		switch {
		case c.Name == "std":
			root, err := exec.Command("go", "env", "GOROOT").Output()
			if err != nil {
				return nil, err
			}
			dirs["Go "+c.Version] = strings.TrimSpace(string(root))
		case strings.HasPrefix(c.PackageURL, "pkg:golang/"):
			args = append(args, c.Name)
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = r.root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Version, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return dirs, nil
		} else if err != nil {
			return nil, err
		}
		dirs[m.Path+" "+m.Version] = m.Dir
	}
}
