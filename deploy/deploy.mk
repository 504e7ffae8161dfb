# The Helm chart, kustomize's overlays and the image. Their tests are a module of their
# own, so that nothing else depends on Helm. Included by the Makefile at the top of the
# repository.

DEPLOY_CHECK := deploy/check
IMAGE        ?= registry.bookend.dev/bookend:$(VERSION)
IMAGE_FILE   := $(DIST)/bookend-image_$(VERSION)_$(ARCH).tar
# As `make kube-tools` compiles Helm, so that it is compiled once.
DEPLOY_TEST   = cd $(DEPLOY_CHECK) && CGO_ENABLED=0 go vet -trimpath ./... && BOOKEND_KUBE=$(abspath $(KUBE_DIR)) CGO_ENABLED=0 go test -trimpath -count=1

# Manifests are outside of the module, and so are binaries: go would repeat an old result.
.PHONY: test-deploy
test-deploy: build node ## Test the Helm chart, kustomize's overlays and the image
	$(DEPLOY_TEST) ./...

# Neither controllers nor nodes are needed: an API server alone tells.
.PHONY: test-deploy-kube
test-deploy-kube: build node kube-tools ## Apply the manifests to an API server, by kubectl and by helm
	$(DEPLOY_TEST) -tags kube -run 'AServer|LeavesCertificates' .

.PHONY: lint-deploy
lint-deploy:
	cd $(DEPLOY_CHECK) && go run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

.PHONY: kustomize-base
kustomize-base: ## Write the base of kustomize from the Helm chart
	$(DEPLOY_TEST) -run '^TestBaseIsWhatTheChartRenders$$' . -update

# $(call write_image,directory of the binaries,name,file). The builder runs here, whatever
# the image is for.
write_image = cd $(DEPLOY_CHECK) && CGO_ENABLED=0 go run -trimpath ./image -file ../image/Containerfile -root $(CURDIR) \
	-build-arg BIN=$(1) -build-arg VERSION=$(VERSION) -arch $(ARCH) -epoch $(EPOCH) -name $(2) -out $(abspath $(3))

.PHONY: image
image: build node ## Write the container image into dist/, as an archive of the OCI's layout; IMAGE names it
	@mkdir -p $(DIST)
	$(call write_image,$(BIN),$(IMAGE),$(IMAGE_FILE))

test: test-deploy
lint: lint-deploy
