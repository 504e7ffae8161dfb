package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bookend.dev/bookend/hooks"
)

// ReadAnnotations returns the annotations of the OCI configuration in a bundle
// directory; nil where it has none.
func ReadAnnotations(bundle string) (map[string]string, error) {
	var spec struct {
		Annotations map[string]string `json:"annotations"`
	}
	err := readConfig(bundle, &spec)
	return spec.Annotations, err
}

// ReadCgroupsPath returns where the OCI configuration in a bundle directory puts
// the container: "/k8s.io/web", or for systemd "system.slice:prefix:web".
func ReadCgroupsPath(bundle string) (string, error) {
	var spec struct {
		Linux struct {
			CgroupsPath string `json:"cgroupsPath"`
		} `json:"linux"`
	}
	err := readConfig(bundle, &spec)
	return spec.Linux.CgroupsPath, err
}

// readConfig reads what spec has fields for.
func readConfig(bundle string, spec any) error {
	f, err := os.Open(filepath.Join(bundle, "config.json"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(spec); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return nil
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

// AddressFile is where a shim leaves its address for containerd 1.7; newer daemons
// have it from the shim and keep it themselves.
const AddressFile = "address"

// ShimAddress returns the address of the shim that serves the container of a
// bundle ("unix:///run/…"), as containerd recorded it or, before 2.0, the shim.
func ShimAddress(bundle string) (string, error) {
	path := filepath.Join(bundle, "bootstrap.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = os.ReadFile(filepath.Join(bundle, AddressFile))
		return string(data), err
	}
	if err != nil {
		return "", err
	}
	var bootstrap struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(data, &bootstrap); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return bootstrap.Address, nil
}

// ServedBy returns the ids of the containers whose bundles lie in dir and which the
// shim at an address serves. A bundle that cannot be read is passed over.
func ServedBy(dir, address string) ([]string, error) {
	bundles, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var served []string
	for _, b := range bundles {
		if of, err := ShimAddress(filepath.Join(dir, b.Name())); err == nil && of == address {
			served = append(served, b.Name())
		}
	}
	return served, nil
}
