# The kernel that the guests of integration/vm boot: Debian's, unpacked and not
# installed. It has no modules to load, for all that cgroups and namespaces
# need is built in. Where it does not exist the tests that want it are skipped.
# Included by the Makefile at the top of the repository.

VM_DIR    := .cache/vm
VM_KERNEL := $(VM_DIR)/vmlinuz
VM_META   := linux-image-cloud-amd64

.PHONY: vm-kernel
vm-kernel: ## Fetch the kernel that tests boot in a virtual machine
	@test -s $(VM_KERNEL) || { rm -rf $(VM_DIR)/deb && mkdir -p $(VM_DIR)/deb && cd $(VM_DIR)/deb && \
		{ apt-cache show $(VM_META) >/dev/null 2>&1 || apt-get update -qq; } && \
		apt-get download -qq "$$(apt-cache depends $(VM_META) | awk '/Depends: linux-image/ { print $$2; exit }')" && \
		dpkg-deb -x ./*.deb . && mv boot/vmlinuz-* ../vmlinuz && cd .. && rm -r deb; } || \
		echo "no package $(VM_META): tests in a virtual machine are skipped" >&2

# What guests run besides busybox: see debian.sh.
VM_DEBIAN := $(VM_DIR)/debian

.PHONY: vm-programs
vm-programs: ## Fetch Java, Node and AppArmor's parser for tests in a virtual machine
	@test -e $(VM_DEBIAN)/.fetched-$$(sha256sum <integration/vm/debian.sh | cut -c1-16) || integration/vm/debian.sh $(VM_DEBIAN)
