# Kubernetes and Helm, built from their modules, which the tests of bookend in a
# cluster run. Included by the Makefile at the top of the repository. k8s.io/kubernetes
# requires its staging modules as directories beside it: go.mod replaces each by
# the version of the same release. Not a part of `make tools`: compiling takes many
# minutes.

KUBE_DIR   := .cache/kube
KUBE_STAMP := $(KUBE_DIR)/built-$(shell cat integration/tools/kube/go.mod integration/tools/kube.mk | sha256sum | cut -c1-16)
KUBERNETES := k8s.io/kubernetes
HELM       := helm.sh/helm/v4
KUBE_BUILD  = CGO_ENABLED=0 go build -buildvcs=false -trimpath -o $(abspath $(KUBE_DIR))/
# What Kubernetes' own build tells its programs about themselves; an API server
# without a version serves none of its APIs.
KUBE_LDFLAGS = -s -w $(foreach at,k8s.io/component-base/version k8s.io/client-go/pkg/version,\
	-X $(at).gitVersion=$$version -X $(at).gitMajor=$$major -X $(at).gitMinor=$$minor)
HELM_LDFLAGS = -s -w -X $(HELM)/internal/version.version=$(call version_of,$(HELM))

.PHONY: kube-tools
kube-tools: $(KUBE_STAMP) ## Build Kubernetes, kubectl and helm and fetch etcd, which test-kube runs

$(KUBE_STAMP):
	rm -rf $(KUBE_DIR)
	cmd/bookend-exec/unpack.sh amd64 $(KUBE_DIR) etcd-server
	mv $(KUBE_DIR)/usr/bin/etcd $(KUBE_DIR)/etcd
	rm -rf $(KUBE_DIR)/usr $(KUBE_DIR)/etc $(KUBE_DIR)/lib $(KUBE_DIR)/var
	cd integration/tools/kube && version=$(call version_of,$(KUBERNETES)); IFS=. read -r major minor _ <<<"$${version#v}"; \
		$(KUBE_BUILD) -ldflags "$(KUBE_LDFLAGS)" $(addprefix $(KUBERNETES)/cmd/,\
		kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet)
	cd integration/tools/kube && $(KUBE_BUILD) -ldflags "$(HELM_LDFLAGS)" $(HELM)/cmd/helm
	touch $@
