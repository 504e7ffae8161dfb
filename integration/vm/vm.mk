# The kernel that the guests of integration/vm boot: Debian's, unpacked and not
# installed. It has no modules to load, for all that cgroups and namespaces
# need is built in. Where it cannot be had the tests that want it are skipped.
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
