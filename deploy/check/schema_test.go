package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	// The module has the CustomResourceDefinitions.
	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// schemas know the shape of objects.
type schemas struct {
	compiler *jsonschema.Compiler
	of       map[schema.GroupVersionKind]string // location of the schema
	scope    map[schema.GroupVersionKind]bool   // whether it is namespaced
}

// loadSchemas reads those of Kubernetes, cert-manager and runtime-class-manager, once.
func loadSchemas(t *testing.T) *schemas {
	t.Helper()
	s, err := loadOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var loadOnce = sync.OnceValues(func() (*schemas, error) {
	s := &schemas{compiler: jsonschema.NewCompiler(), of: map[schema.GroupVersionKind]string{}, scope: map[schema.GroupVersionKind]bool{}}
	kubernetes, err := moduleDir("../../integration/tools/kube", "k8s.io/kubernetes")
	if err != nil {
		return nil, err
	}
	certManager, err := moduleDir(".", "github.com/cert-manager/cert-manager")
	if err != nil {
		return nil, err
	}
	for pattern, add := range map[string]func(file string, data []byte) error{
		filepath.Join(kubernetes, "api/openapi-spec/v3/*__v*_openapi.json"): s.addOpenAPI,
		filepath.Join(certManager, "deploy/crds/cert-manager.io_*.yaml"):    s.addCRD,
		filepath.Join("testdata", "runtime.spinkube.dev_shims.crd.yaml"):    s.addCRD,
	} {
		files, err := filepath.Glob(pattern)
		if err == nil && len(files) == 0 {
			err = errors.New("no such file")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err == nil {
				err = add(file, data)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return s, nil
})

// moduleDir is where the files of a module are that the module in dir names.
func moduleDir(dir, module string) (string, error) {
	run := func(args ...string) (string, error) {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	if _, err := run("mod", "download", module); err != nil {
		return "", err
	}
	return run("list", "-m", "-f", "{{.Dir}}", module)
}

// document is what an OpenAPI file of Kubernetes has.
type document struct {
	Paths      map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			GVK []schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
		} `json:"schemas"`
	} `json:"components"`
}

// addOpenAPI adds all kinds of a file of Kubernetes'.
func (s *schemas) addOpenAPI(file string, data []byte) error {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		return err
	}
	seal(root)
	if err := s.compiler.AddResource(file, root); err != nil {
		return err
	}
	namespaced, err := namespacedKinds(d.Paths)
	if err != nil {
		return err
	}
	for name, of := range d.Components.Schemas {
		if len(of.GVK) != 1 {
			continue // one that every group has, such as DeleteOptions
		}
		if _, has := namespaced[of.GVK[0]]; has {
			s.of[of.GVK[0]] = file + "#/components/schemas/" + name
			s.scope[of.GVK[0]] = namespaced[of.GVK[0]]
		}
	}
	return nil
}

// namespacedKinds are the kinds that a file's paths create, and whether in a namespace.
func namespacedKinds(paths map[string]json.RawMessage) (map[schema.GroupVersionKind]bool, error) {
	of := map[schema.GroupVersionKind]bool{}
	for path, data := range paths {
		var item struct {
			Post struct {
				GVK *schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			} `json:"post"`
		}
		if err := json.Unmarshal(data, &item); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if item.Post.GVK != nil {
			of[*item.Post.GVK] = of[*item.Post.GVK] || strings.Contains(path, "/namespaces/{namespace}/")
		}
	}
	return of, nil
}

// addCRD adds what a CustomResourceDefinition defines.
func (s *schemas) addCRD(file string, data []byte) error {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &crd); err != nil {
		return err
	}
	for _, v := range crd.Spec.Versions {
		data, err := json.Marshal(v.Schema.OpenAPIV3Schema)
		if err != nil {
			return err
		}
		root, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			return err
		}
		seal(root)
		at := file + "." + v.Name
		if err := s.compiler.AddResource(at, root); err != nil {
			return err
		}
		gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}
		s.of[gvk], s.scope[gvk] = at, crd.Spec.Scope == apiextensionsv1.NamespaceScoped
	}
	return nil
}

// seal has every object that lists its fields refuse others.
func seal(node any) {
	switch node := node.(type) {
	case []any:
		for _, v := range node {
			seal(v)
		}
	case map[string]any:
		_, hasFields := node["properties"].(map[string]any)
		_, hasMore := node["additionalProperties"]
		if open, _ := node["x-kubernetes-preserve-unknown-fields"].(bool); hasFields && !hasMore && !open {
			node["additionalProperties"] = false
		}
		for _, v := range node {
			seal(v)
		}
	}
}

var serviceMonitor = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}

// validate returns what is wrong with an object.
func (s *schemas) validate(o *object) error {
	gvk := o.GroupVersionKind()
	if gvk == serviceMonitor {
		return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &monitoringv1.ServiceMonitor{}, true)
	}
	at, known := s.of[gvk]
	if !known {
		return fmt.Errorf("no schema of %s", gvk)
	}
	sch, err := s.compiler.Compile(at)
	if err != nil {
		return err
	}
	data, err := json.Marshal(o.Object)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		return err
	}
	return sch.Validate(instance)
}

// namespaced tells whether an object is in a namespace.
func (s *schemas) namespaced(o *object) bool {
	return o.GroupVersionKind() == serviceMonitor || s.scope[o.GroupVersionKind()]
}

// What the other tests rely on: an object that is wrong is refused.
func TestSchemasRefuse(t *testing.T) {
	s := loadSchemas(t)
	certificate := "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a}\n"
	for _, tt := range []struct{ manifest, wrong string }{
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}", ""},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1, targetport: a}]}", "'targetport' not allowed"},
		{"apiVersion: v1\nkind: Service\nmetadata: {nam: a}", "'nam' not allowed"},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: http}]}", "want integer"},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{}]}", "missing property 'port'"},
		{"apiVersion: apps/v2\nkind: DaemonSet\nmetadata: {name: a}", "no schema"},
		{certificate + "spec: {secretName: a, issuerRef: {name: b}}", ""},
		{certificate + "spec: {secretName: a, issuerRef: {name: b}, dnsName: [c]}", "'dnsName' not allowed"},
		{certificate + "spec: {secretName: a}", "missing property 'issuerRef'"},
		{certificate + "spec: {secretName: a, issuerRef: {name: b}, privateKey: {algorithm: DSA}}", "must be one of"},
		{"apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\nspec: {selector: {}, endpoint: []}", "unknown field"},
	} {
		err := s.validate(objects(t, []byte(tt.manifest))[0])
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s\n  want %q, got %v", tt.manifest, tt.wrong, err)
		}
	}
}
