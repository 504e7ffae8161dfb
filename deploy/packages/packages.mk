# Packages: see main.go. Included by the Makefile at the top of the repository.

DIST     := dist
PACKAGER := .cache/packages/packager
# The time in packages is that of the commit.
EPOCH     = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct))

.PHONY: packages
packages: ## Write deb, rpm and tar archives for amd64 and arm64 into dist/
	@$(MAKE) build GOARCH=amd64
	@$(MAKE) build GOARCH=arm64
	@mkdir -p $(dir $(PACKAGER)) && cd deploy/packages && go build -trimpath -o $(abspath $(PACKAGER)) .
	@rm -rf $(DIST) && mkdir -p $(DIST)
	@$(MAKE) package GOARCH=amd64
	@$(MAKE) package GOARCH=arm64
	@cd $(DIST) && LC_ALL=C sha256sum * >../$(DIST).sums && mv ../$(DIST).sums SHA256SUMS && cat SHA256SUMS

# What Debian's packages are that bookend-exec is linked with: their names, versions,
# licences and where the texts are.
ifeq ($(ARCH),$(HOST_ARCH))
LINKED_VERSION = $(shell dpkg-query -W -f '$${Version}' $(1):$(ARCH))
LINKED_ROOT    =
else
LINKED_VERSION = $(shell sed -n 's/^$(1) //p' $(SYSROOT)/versions)
LINKED_ROOT    = $(ROOT_DIR)
endif
LINKED = -library libseccomp-dev=$(call LINKED_VERSION,libseccomp-dev):LGPL-2.1-only:$(LINKED_ROOT)/usr/share/doc/libseccomp-dev/copyright \
	-library libc6-dev=$(call LINKED_VERSION,libc6-dev):LGPL-2.1-or-later:$(LINKED_ROOT)/usr/share/doc/libc6-dev/copyright

.PHONY: package
package:
	@$(PACKAGER) -root $(CURDIR) -version $(VERSION) -arch $(ARCH) -bin $(BIN) -command bin/bookend -dist $(DIST) -epoch $(EPOCH) $(LINKED)

# The root file system of the node that packages are installed on.
NODE_ROOT := .cache/packages/root-$(shell sha256sum <integration/packages/root.sh | cut -c1-16)

.PHONY: packages-test
packages-test: tools containerd-1.7 packages $(NODE_ROOT) ## Install the packages on a fresh Debian, run a pod, remove them (root)
	@rm -rf .cache/packages/again && mkdir -p .cache/packages/again && $(MAKE) package DIST=.cache/packages/again
	@for file in .cache/packages/again/*; do \
		cmp $$file $(DIST)/$${file##*/} || { echo "$$file: the same sources gave other bytes" >&2; exit 1; }; \
	done; rm -r .cache/packages/again
	BOOKEND_DIST=$(CURDIR)/$(DIST) BOOKEND_ROOT=$(CURDIR)/$(NODE_ROOT) BOOKEND_CONTAINERD=$(CURDIR)/.cache/containerd-1.7 \
		go test -count=1 -timeout 10m ./integration/packages

$(NODE_ROOT):
	@command -v debootstrap >/dev/null || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
	integration/packages/root.sh $@
