# The architecture that the binaries are for: GOARCH, by default this machine's.
# For another one a cross compiler is needed, and what bookend-exec is linked with:
# libseccomp, and a C library that is not that of the cross compiler's packages, which
# gets no security updates. Included by the Makefile at the top of the repository.

HOST_ARCH := $(shell go env GOHOSTARCH)
ARCH      := $(or $(GOARCH),$(HOST_ARCH))

# Test programs and tools are for this machine, whatever the binaries are for.
unexport GOARCH

GNU_amd64 := x86_64-linux-gnu
GNU_arm64 := aarch64-linux-gnu
QEMU_amd64 := x86_64
QEMU_arm64 := aarch64
GNU       := $(or $(GNU_$(ARCH)),$(error GOARCH=$(ARCH): bookend is built for amd64 and arm64))

ifeq ($(ARCH),$(HOST_ARCH))
BIN      := bin
CC_FOR   := gcc
CGO_EXEC := CGO_ENABLED=1
else
BIN      := bin/$(ARCH)
CC_FOR   := $(GNU)-gcc
LINKED_DEBS := libc6 libc6-dev libseccomp-dev linux-libc-dev
SYSROOT  := .cache/sysroot/$(ARCH)-$(shell { cat cmd/bookend-exec/unpack.sh; echo $(LINKED_DEBS); } | sha256sum | cut -c1-16)
ROOT_DIR := $(abspath $(SYSROOT))
# The cross compiler prefers its own packages' C library, where that is installed.
ROOT_CC  := $(CC_FOR) --sysroot=$(ROOT_DIR) -B$(ROOT_DIR)/usr/lib/$(GNU)/
CGO_EXEC := CGO_ENABLED=1 CC='$(ROOT_CC)' PKG_CONFIG_SYSROOT_DIR=$(ROOT_DIR) PKG_CONFIG_LIBDIR=$(ROOT_DIR)/usr/lib/$(GNU)/pkgconfig
EMULATOR := qemu-$(QEMU_$(ARCH))-static
endif

.PHONY: cross
cross: $(SYSROOT)
ifneq ($(ARCH),$(HOST_ARCH))
	@command -v $(CC_FOR) >/dev/null || { echo "installing gcc-$(subst _,-,$(GNU))"; apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc-$(subst _,-,$(GNU)) >/dev/null; }
endif

$(SYSROOT):
	cmd/bookend-exec/unpack.sh $(ARCH) $@ $(LINKED_DEBS)

.PHONY: build-arm64
build-arm64: ## Build all binaries for arm64, and test what runs under an emulator
	@$(MAKE) build emulated GOARCH=arm64

# An emulator of programs has neither seccomp nor all namespaces. So this is what
# hooks, plans and messages are read with, and that the binaries run at all.
EMULATED := ./hooks ./runtime/bundle ./runtime/resolve ./runtime/wire ./shim/bootstrap

.PHONY: emulated
emulated: build
ifneq ($(ARCH),$(HOST_ARCH))
	@command -v $(EMULATOR) >/dev/null || { echo "installing qemu-user-static"; apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user-static >/dev/null; }
endif
	for binary in 'bookend version' 'containerd-shim-bookend-v2 -v' 'bookend-exec --version'; do \
		$(EMULATOR) $(BIN)/$$binary | grep -F '$(VERSION)' || { echo "$$binary does not run, or is not $(VERSION)" >&2; exit 1; }; \
	done
	GOARCH=$(ARCH) CGO_ENABLED=0 go test $(EMULATOR:%=-exec %) $(EMULATED)
	GOARCH=$(ARCH) CGO_ENABLED=0 $(if $(EMULATOR),BOOKEND_TEST_CC='$(ROOT_CC)' BOOKEND_TEST_EMULATOR=$(EMULATOR)) \
		go test $(EMULATOR:%=-exec %) -run 'Plan|Home|News|Steps' ./runtime/joiner
