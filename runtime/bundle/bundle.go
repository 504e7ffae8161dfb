package bundle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"bookend.dev/bookend/hooks"
)

// ReadAnnotations returns the annotations of the OCI configuration in a bundle
// directory; nil where it has none.
func ReadAnnotations(bundle string) (map[string]string, error) {
	f, err := os.Open(filepath.Join(bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var spec struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.NewDecoder(f).Decode(&spec); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return spec.Annotations, nil
}

// PodMembers returns the ids of the containers whose bundles lie in dir and
// that belong to the pod of a sandbox, the sandbox itself left out. A bundle
// that cannot be read is passed over: it may be on its way out.
func PodMembers(dir, sandboxID string) ([]string, error) {
	bundles, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var members []string
	for _, b := range bundles {
		if b.Name() == sandboxID {
			continue
		}
		annotations, err := ReadAnnotations(filepath.Join(dir, b.Name()))
		if err != nil {
			continue
		}
		if annotations[hooks.AnnotationSandboxID] == sandboxID && annotations[hooks.AnnotationContainerType] == hooks.ContainerTypeContainer {
			members = append(members, b.Name())
		}
	}
	return members, nil
}

// ShimAddress returns the address of the shim that serves the container of a
// bundle, as containerd recorded it ("unix:///run/…").
func ShimAddress(bundle string) (string, error) {
	data, err := os.ReadFile(filepath.Join(bundle, "bootstrap.json"))
	if err != nil {
		return "", err
	}
	var bootstrap struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(data, &bootstrap); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Join(bundle, "bootstrap.json"), err)
	}
	return bootstrap.Address, nil
}
