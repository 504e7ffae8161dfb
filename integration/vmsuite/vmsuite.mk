# The integration suite in a virtual machine: a node with Debian's kernel, cgroup
# v2 and AppArmor, with and without systemd. See doc.go.
# Included by the Makefile at the top of the repository.

VMSUITE_DIR := .cache/vmsuite
KERNEL      ?= trixie
INIT        ?= systemd

.PHONY: vmsuite-deps
vmsuite-deps: vm-deps
	@missing=(); \
	command -v mmdebstrap >/dev/null || missing+=(mmdebstrap); \
	command -v mke2fs >/dev/null || missing+=(e2fsprogs); \
	command -v depmod >/dev/null || missing+=(kmod); \
	command -v xz >/dev/null || missing+=(xz-utils); \
	command -v zstd >/dev/null || missing+=(zstd); \
	if [ $${#missing[@]} -gt 0 ]; then \
		echo "installing $${missing[*]}"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi

.PHONY: vmsuite-disks
vmsuite-disks: vmsuite-deps
	integration/vmsuite/disks/root.sh $(VMSUITE_DIR)
	integration/vmsuite/disks/kernel.sh $(VMSUITE_DIR) $(KERNEL)

VMSUITE = go run ./integration/vmsuite -kernel $(KERNEL) $(if $(SLOW),-slow $(SLOW))

# Both drivers of cgroups, whatever the first one's tests say.
.PHONY: test-vm
test-vm: build tools old-bookend vmsuite-disks ## Run the integration suite on a node with cgroup v2 and AppArmor, in virtual machines with and without systemd (root)
	@small=0 systemd=0; \
	$(VMSUITE) -init small $(ARGS) || small=$$?; \
	$(VMSUITE) -init systemd $(ARGS) || systemd=$$?; \
	[ $$small = 0 ] || echo "the suite failed with the cgroupfs driver" >&2; \
	[ $$systemd = 0 ] || echo "the suite failed with the systemd driver" >&2; \
	[ $$small$$systemd = 00 ]

.PHONY: test-vm-one
test-vm-one: build tools old-bookend vmsuite-disks ## Run tests in one of them: INIT=systemd or small, RUN picks tests by a regexp, KERNEL=sid (root)
	$(VMSUITE) -init $(INIT) -run '$(RUN)' $(ARGS)

.PHONY: test-vm-part
test-vm-part: build tools vmsuite-disks ## Run the part of the suite that depends on cgroups most, with systemd (root)
	$(VMSUITE) -init systemd -part $(ARGS)
