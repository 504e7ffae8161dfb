# Tests with several releases of containerd. Included by the Makefile at the top of the
# repository, behind integration/tools/tools.mk.

# The release that integration/tools/go.mod names.
NEWEST := $(shell sed -n 's|.*$(CONTAINERD_MODULE) v\([0-9]*\.[0-9]*\)\..*|\1|p' integration/tools/go.mod)

# CONTAINERD=2.2, or 1.7,2.2, picks releases.
comma := ,
MATRIX_RELEASES = $(if $(CONTAINERD),$(subst $(comma), ,$(CONTAINERD)),$(OLDER) $(NEWEST))
MATRIX_TOOLS    = $(foreach r,$(MATRIX_RELEASES),$(if $(filter $(NEWEST),$(r)),$(TOOLS_BIN),.cache/containerd-$(r)))

# The packages whose tests run containerd.
MATRIX_PACKAGES = ./integration ./integration/harness

# Where the releases are that a test upgrades from.
WITH_OLDER = BOOKEND_OLDER=$(CURDIR)/.cache

.PHONY: test-matrix
test-matrix: build peers tools $(MATRIX_RELEASES:%=matrix-%) ## Run what depends on containerd with each release; CONTAINERD=1.7,2.2 picks some (root)
	$(WITH_OLDER) go run ./integration/testmatrix -packages '$(MATRIX_PACKAGES)' $(ARGS) $(MATRIX_TOOLS)

.PHONY: $(OLDER:%=matrix-%) matrix-$(NEWEST)
$(OLDER:%=matrix-%): matrix-%: containerd-%
matrix-$(NEWEST): tools

# Tests in which it matters which containerd it is: start, stop, restart, events,
# delete, pods. The upgrade is one of them; it has a line of its own.
DAEMON_TESTS = ^Test(Annotation|Delete|Events|PostStart|PreStop|Sandbox|Setup|ShimDeath|Start|Stop)

.PHONY: older
older: build containerd-1.7 containerd-2.2 ## Run the tests that depend on containerd with 1.7 and 2.2, and an upgrade of it to the newest (root)
	go run ./integration/testmatrix -suites integration -run '$(DAEMON_TESTS)' .cache/containerd-1.7 .cache/containerd-2.2
	$(WITH_OLDER) go run ./integration/testmatrix -suites integration -run ^TestDaemonUpgrade $(TOOLS_BIN)
