package plugin

import (
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

// maxCompleted is how many pods are offered.
const maxCompleted = 500

// completePods offers the pods of the namespace.
func (c *client) completePods(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := c.pods(cmd)
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (c *client) pods(cmd *cobra.Command) (names []string, err error) {
	config, err := c.flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	namespace, _, err := c.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	all, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	list, err := all.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(namespace).
		List(cmd.Context(), metav1.ListOptions{Limit: maxCompleted})
	if err != nil {
		return nil, err
	}
	for _, pod := range list.Items {
		names = append(names, pod.Name)
	}
	return names, nil
}
