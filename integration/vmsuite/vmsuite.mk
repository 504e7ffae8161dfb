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

.PHONY: test-vm-one
test-vm-one: build tools vmsuite-disks ## Run tests in one guest: INIT=systemd or small, RUN picks tests by a regexp, KERNEL is a suite of Debian (root)
	go run ./integration/vmsuite -init $(INIT) -kernel $(KERNEL) -run '$(RUN)' $(ARGS)

.PHONY: test-vm
test-vm: build tools vmsuite-disks ## Run the integration suite in guests with cgroup v2: cgroupfs driver, and systemd (root)
	go run ./integration/vmsuite -init small -kernel $(KERNEL) $(ARGS); small=$$?; \
	go run ./integration/vmsuite -init systemd -kernel $(KERNEL) $(ARGS); exit $$((small | $$?))
