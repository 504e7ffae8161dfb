# The programs that integration tests run beside bookend's own, each at the one
# version that go.mod in this directory names, and the older releases of runc
# and gVisor's runsc that those in its subdirectories name. Included by the
# Makefile at the top of the repository. A stamp named after all of them says what
# is built, so that a cached directory is used exactly as long as it is right;
# builds run one after the other, since each takes all the memory and cores it
# can get.

TOOLS_DIR   := .cache/tools
TOOLS_BIN   := $(TOOLS_DIR)/bin
TOOLS_STAMP := $(TOOLS_DIR)/built-$(shell cat integration/tools/go.mod integration/tools/run*/go.mod integration/tools/tools.mk | sha256sum | cut -c1-16)

CONTAINERD_MODULE := github.com/containerd/containerd/v2
CNI               := github.com/containernetworking/plugins/plugins
CRITOOLS          := sigs.k8s.io/cri-tools
GVISOR            := gvisor.dev/gvisor
RUNC              := github.com/opencontainers/runc
version_of  = $$(go list -m -f '{{.Version}}' $(1))
TOOLS_BUILD := go build -buildvcs=false -trimpath -o $(abspath $(TOOLS_BIN))/
# runc before 1.3 knows its own version by this alone.
RUNC_LDFLAGS = -s -w -X main.version=$$(go list -m -f '{{slice .Version 1}}' $(RUNC))
CRI_LDFLAGS  = -s -w -X $(CRITOOLS)/pkg/version.Version=$(call version_of,$(CRITOOLS))

.PHONY: tools
tools: $(TOOLS_STAMP) ## Build containerd, runc, runsc, the CNI plugins, crictl and critest, which tests run

$(TOOLS_STAMP):
	rm -rf $(TOOLS_DIR)
	mkdir -p $(TOOLS_BIN)
	cd integration/tools && CGO_ENABLED=1 $(TOOLS_BUILD) -tags seccomp -ldflags '-s -w' $(RUNC)
	for old in runc-1.2 runc-1.3 runc-1.4; do \
		(cd integration/tools/$$old && CGO_ENABLED=1 $(TOOLS_BUILD)$$old -tags seccomp -ldflags "$(RUNC_LDFLAGS)" $(RUNC)) || exit 1; \
	done
	cd integration/tools/runsc && CGO_ENABLED=0 $(TOOLS_BUILD) \
		-ldflags "-s -w -X $(GVISOR)/runsc/version.version=$(call version_of,$(GVISOR))" $(GVISOR)/runsc
	cd integration/tools && CGO_ENABLED=0 $(TOOLS_BUILD) -ldflags '-s -w' \
		$(CNI)/main/bridge $(CNI)/main/loopback $(CNI)/ipam/host-local $(CNI)/meta/portmap
	cd integration/tools && CGO_ENABLED=0 $(TOOLS_BUILD) -tags 'no_btrfs no_devmapper no_zfs' \
		-ldflags "-s -w -X $(CONTAINERD_MODULE)/version.Version=$(call version_of,$(CONTAINERD_MODULE))" \
		$(CONTAINERD_MODULE)/cmd/containerd $(CONTAINERD_MODULE)/cmd/ctr $(CONTAINERD_MODULE)/cmd/containerd-shim-runc-v2
	cd integration/tools && CGO_ENABLED=0 $(TOOLS_BUILD) -ldflags "$(CRI_LDFLAGS)" $(CRITOOLS)/cmd/crictl
	cd integration/tools && CGO_ENABLED=0 go test -c -trimpath -ldflags "$(CRI_LDFLAGS)" -o $(abspath $(TOOLS_BIN))/critest $(CRITOOLS)/cmd/critest
	touch $@

# Older releases of containerd that bookend serves. Each is a directory of tools in
# which its containerd, ctr and stock shim stand in place of the newest:
# BOOKEND_TOOLS=.cache/containerd-2.2 runs any test with it.
OLDER := 1.7 2.0 2.2 2.3

.PHONY: $(OLDER:%=containerd-%)
$(OLDER:%=containerd-%): tools
	@dir=$(abspath .cache/$@); cd integration/tools/$@; \
	stamp=$$dir/built-$$(cat go.mod ../tools.mk $(abspath $(TOOLS_STAMP)) | sha256sum | cut -c1-16); \
	[ ! -e $$stamp ] || exit 0; \
	echo "building $@"; rm -rf $$dir && mkdir -p $$dir; \
	module=$(CONTAINERD_MODULE); [ $@ != containerd-1.7 ] || module=$${module%/v2}; \
	CGO_ENABLED=0 go build -buildvcs=false -trimpath -o $$dir/ -tags 'no_btrfs no_devmapper no_zfs' \
		-ldflags "-s -w -X $$module/version.Version=$(call version_of,$$module)" \
		$$module/cmd/containerd $$module/cmd/ctr $$module/cmd/containerd-shim-runc-v2 || exit 1; \
	for tool in $(abspath $(TOOLS_BIN))/*; do [ -e $$dir/$${tool##*/} ] || ln -s $$tool $$dir/; done; \
	touch $$stamp
