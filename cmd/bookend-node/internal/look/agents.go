package look

import (
	"context"
	"fmt"
	"net"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// agentOf returns the address of a node's agent: the endpoint of the agents'
// Service that is on that node.
func (s *Server) agentOf(ctx context.Context, node string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Limits.Whole)
	defer cancel()
	slices, err := s.opts.Client.EndpointSlices(s.opts.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + s.opts.Service,
	})
	if err != nil {
		return "", fmt.Errorf("look for the agent of node %s: %w", node, err)
	}
	for _, slice := range slices.Items {
		port := s.portOf(slice)
		if port == 0 || slice.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		for _, e := range slice.Endpoints {
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			if ready && e.NodeName != nil && *e.NodeName == node && len(e.Addresses) > 0 {
				return net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(port))), nil
			}
		}
	}
	return "", refused(apierrors.NewServiceUnavailable(fmt.Sprintf("the pod is on node %s: %v", node, errNoAgent)))
}

// portOf is the port of a slice's endpoints; 0: it has none of that name.
func (s *Server) portOf(slice discoveryv1.EndpointSlice) int32 {
	for _, p := range slice.Ports {
		if p.Name != nil && *p.Name == s.opts.Port && p.Port != nil {
			return *p.Port
		}
	}
	return 0
}
