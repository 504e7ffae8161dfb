package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files of a bundle that are the daemon's.
const (
	configFile    = "config.json"    // the OCI configuration
	bootstrapFile = "bootstrap.json" // where its shim is reached
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
	f, err := os.Open(filepath.Join(bundle, configFile))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(spec); err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return nil
}

// AddressFile is where a shim leaves its address for containerd 1.7; newer daemons
// have it from the shim and keep it themselves.
const AddressFile = "address"

// ShimAddress returns the address of the shim that serves the container of a
// bundle ("unix:///run/…"), as containerd recorded it or, before 2.0, the shim.
func ShimAddress(bundle string) (string, error) {
	path := filepath.Join(bundle, bootstrapFile)
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
