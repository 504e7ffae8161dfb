package plugin

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"bookend.dev/bookend/cmd/bookend-node/internal/hooksapi"
)

// podArg is the pod that a command is about.
type podArg struct{ namespace, name string }

// client asks the cluster that the flags of kubectl name.
type client struct {
	flags *genericclioptions.ConfigFlags
}

// podOf reads the argument: the name of a pod, or pod/NAME.
func (c *client) podOf(args []string) (podArg, error) {
	namespace, _, err := c.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return podArg{}, err
	}
	name := args[0]
	for _, prefix := range []string{"pod/", "pods/", "po/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if wrong := validation.IsDNS1123Subdomain(name); len(wrong) > 0 {
		return podArg{}, &usageError{errOnePod}
	}
	return podArg{namespace, name}, nil
}

// open begins to read a subresource of a pod.
func (c *client) open(ctx context.Context, pod podArg, subresource string, params map[string]string) (io.ReadCloser, error) {
	config, err := c.flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config.GroupVersion = &schema.GroupVersion{Group: hooksapi.Group, Version: hooksapi.Version}
	config.APIPath = "/apis"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	api, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	r := api.Get().Namespace(pod.namespace).Resource("pods").Name(pod.name).SubResource(subresource).MaxRetries(0)
	for name, value := range params {
		r.Param(name, value)
	}
	body, err := r.Stream(ctx)
	if err != nil {
		return nil, pod.explain(err)
	}
	return body, nil
}

func onePod(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return &usageError{errOnePod}
	}
	return nil
}
