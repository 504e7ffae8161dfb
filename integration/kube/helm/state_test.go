package helm

import (
	"fmt"
	"path/filepath"
	"strings"

	"bookend.dev/bookend/integration/harness"
	"bookend.dev/bookend/integration/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// state is all that an installation changes.
type state struct {
	files, node, objects listing
	inventory            harness.Inventory
}

func (s *site) state() state {
	s.t.Helper()
	var is state
	var err error
	if is.files, err = files(); err != nil {
		s.t.Fatal(err)
	}
	if is.node, err = s.node(); err != nil {
		s.t.Fatal(err)
	}
	if is.objects, err = s.objects(); err != nil {
		s.t.Fatal(err)
	}
	if is.inventory, err = s.Inventory(); err != nil {
		s.t.Fatal(err)
	}
	return is
}

// wantAsBefore checks that all is as it was: that which the cluster's controllers take
// away after Helm has returned, after a while.
func (s *site) wantAsBefore(before state) {
	s.t.Helper()
	err := harness.Poll(s.t.Context(), harness.ReadyTimeout, "node and cluster to be as they were", func() error {
		now, err := s.node()
		if err != nil {
			return err
		}
		objects, err := s.objects()
		if err != nil {
			return err
		}
		if diff := now.differences(before.node) + objects.differences(before.objects); diff != "" {
			return fmt.Errorf("they are not:\n%s", diff)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	if err := s.CheckLeaks(s.t.Context(), before.inventory); err != nil {
		s.t.Error(err)
	}
	now, err := files()
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := now.differences(before.files); diff != "" {
		s.t.Errorf("the node's files are not as they were:\n%s", diff)
	}
	s.wantNoMemory()
}

// wantChanged checks that the listing of files shows what an installation changes.
func (s *site) wantChanged(before state) {
	s.t.Helper()
	now, err := files()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range []string{s.Daemon.ConfigPath(), filepath.Join(s.libDir, "state.json"), "/usr/local/bin/" + harness.ShimBinary} {
		if now[path] == "" || now[path] == before.files[path] {
			s.t.Errorf("%s is %q, was %q", path, now[path], before.files[path])
		}
	}
}

// wantNoMemory checks that what stays for agents to come says nothing of an installation.
func (s *site) wantNoMemory() {
	s.t.Helper()
	for _, name := range []string{"install.json", "installed"} {
		if got, err := describe(filepath.Join("/var/lib/bookend-node", name)); got != "" || err != nil {
			s.t.Errorf("%s is left: %s, %v", name, got, err)
		}
	}
}

// node lists what the node's object says that stays the same while nothing happens.
func (s *site) node() (listing, error) {
	n, err := s.CoreV1().Nodes().Get(s.t.Context(), kube.NodeName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	all := listing{"taints": fmt.Sprint(n.Spec.Taints, n.Spec.Unschedulable)}
	for k, v := range n.Labels {
		all["label "+k] = v
	}
	for k, v := range n.Annotations {
		all["annotation "+k] = v
	}
	for _, c := range n.Status.Conditions {
		all["condition "+string(c.Type)] = fmt.Sprint(c.Status, c.Reason)
	}
	for _, h := range n.Status.RuntimeHandlers {
		all["handler "+h.Name] = "known"
	}
	return all, nil
}

// objects lists all objects of the cluster but Events, the kubelet's Lease, which it makes
// when it gets round to it, and those that a namespace made by Helm keeps.
func (s *site) objects() (listing, error) {
	kinds, err := s.Kubectl(s.t.Context(), "api-resources", "--verbs=list", "-o", "name")
	if err != nil {
		return nil, err
	}
	var names []string
	for kind := range strings.FieldsSeq(kinds) {
		if !strings.HasPrefix(kind, "events") {
			names = append(names, kind)
		}
	}
	out, err := s.Kubectl(s.t.Context(), "get", strings.Join(names, ","), "--all-namespaces", "--no-headers",
		"-o", "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,UID:.metadata.uid")
	all := listing{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		name := strings.Join(f[:3], " ")
		switch name {
		case "Lease kube-node-lease " + kube.NodeName, "Namespace <none> " + system, "ServiceAccount " + system + " default", "ConfigMap " + system + " kube-root-ca.crt":
			continue
		}
		all[name] = f[3]
	}
	return all, err
}
