# The kernel that the guests of integration/vm boot: Debian's, unpacked and not
# installed. It has no modules to load, for all that cgroups and namespaces
# need is built in. Included by the Makefile at the top of the repository.
# GOARCH is the architecture of the guests; for another one than this machine's the
# guests' busybox and runc are made as well.

VM_DIR    := .cache/vm$(if $(filter-out $(HOST_ARCH),$(ARCH)),/$(ARCH))
VM_KERNEL := $(VM_DIR)/vmlinuz
VM_DEPS   := qemu-system-$(if $(filter arm64,$(ARCH)),arm,x86)
export BOOKEND_VM_ARCH := $(ARCH)

.PHONY: vm-kernel
vm-kernel: ## Fetch the kernel that tests boot in a virtual machine
	@test -s $(VM_KERNEL) || { set -e; mkdir -p $(VM_DIR); \
		cmd/bookend-exec/unpack.sh $(ARCH) $(VM_DIR)/deb linux-image-cloud-$(ARCH) busybox-static; \
		cp $(VM_DIR)/deb/bin/busybox $(VM_DIR)/; mv $(VM_DIR)/deb/boot/vmlinuz-* $(VM_KERNEL); rm -r $(VM_DIR)/deb; }

.PHONY: vm-deps
vm-deps:
	@command -v qemu-system-$(QEMU_$(ARCH)) >/dev/null || { echo "installing $(VM_DEPS)"; apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(VM_DEPS) >/dev/null; }

ifneq ($(ARCH),$(HOST_ARCH))
# The guests' runc, of the version that other tests have.
VM_RUNC := $(VM_DIR)/runc-$(shell cat integration/tools/go.mod | sha256sum | cut -c1-16)
BOOKEND_TEST_RUNC := $(CURDIR)/$(VM_RUNC)

vm-kernel: $(VM_RUNC)
$(VM_RUNC): | cross
	cd integration/tools && GOARCH=$(ARCH) $(CGO_EXEC) go build -buildvcs=false -trimpath -tags 'seccomp netgo osusergo' \
		-ldflags '-s -w -extldflags -static' -o $(abspath $@) github.com/opencontainers/runc
endif

# What guests run besides busybox: see debian.sh.
VM_DEBIAN := $(VM_DIR)/debian

.PHONY: vm-programs
vm-programs: ## Fetch Java, Node and AppArmor's parser for tests in a virtual machine
ifneq ($(ARCH),amd64)
	@echo "left out: tests with Java, Node and AppArmor's parser, which are fetched for amd64 alone"
else
	@test -e $(VM_DEBIAN)/.fetched-$$(sha256sum <integration/vm/debian.sh | cut -c1-16) || integration/vm/debian.sh $(VM_DEBIAN)
endif
