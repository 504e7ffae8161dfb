# The tests of bookend in a cluster of Kubernetes. Included by the Makefile at the
# top of the repository. Not a part of `make test`: the programs take 7 minutes of two
# cores to compile.

# Built like the programs, without the race detector, so that the packages which they
# share are compiled once. What is tested here are other processes.
KUBE_TEST = cd integration/kube && CGO_ENABLED=0 go vet -trimpath . && \
	CGO_ENABLED=0 go test -trimpath -count=1 -parallel 4 -timeout 40m

KUBE_HELM = cd integration/kube && CGO_ENABLED=0 go vet -trimpath ./helm && \
	CGO_ENABLED=0 BOOKEND_KUBE_IMAGES=$(abspath $(KUBE_IMAGES)) go test -trimpath -count=1 -timeout 40m ./helm
# The repository that the chart names.
KUBE_IMAGE = registry.bookend.dev/bookend

.PHONY: test-kube
test-kube: build node tools kube-tools kube-images ## Run the tests in a cluster of Kubernetes, and compare bookend's hooks with the kubelet's (root)
	$(KUBE_TEST) .
	$(KUBE_HELM)

.PHONY: test-kube-helm
test-kube-helm: build node tools kube-tools kube-images ## Install, upgrade, roll back and remove bookend by Helm, in a fresh cluster (root)
	$(KUBE_HELM)

# The image, and one whose programs are others: each has a byte more, which no loader
# looks at. Both are imported by the test, which knows them by their tags.
KUBE_IMAGES   = $(DIST)/kube
KUBE_PROGRAMS = bookend bookend-exec bookend-node bookend-webhook containerd-shim-bookend-v2
.PHONY: kube-images
kube-images: build node
	rm -rf $(KUBE_IMAGES) && mkdir -p $(KUBE_IMAGES)/bin
	$(call write_image,$(BIN),$(KUBE_IMAGE):first,$(KUBE_IMAGES)/first.tar)
	for name in $(KUBE_PROGRAMS); do cp $(BIN)/$$name $(KUBE_IMAGES)/bin/ && echo >>$(KUBE_IMAGES)/bin/$$name || exit 1; done
	$(call write_image,$(KUBE_IMAGES)/bin,$(KUBE_IMAGE):second,$(KUBE_IMAGES)/second.tar)
	rm -rf $(KUBE_IMAGES)/bin

.PHONY: test-kube-part
test-kube-part: build node tools kube-tools ## Run those that take four minutes at most (root)
	$(KUBE_TEST) -short .

.PHONY: kube-differential
kube-differential: build node tools kube-tools ## Compare bookend's hooks with the kubelet's and write the page about it (root)
	$(KUBE_TEST) -run '^TestDifferential$$' . -update

.PHONY: kube-hundred
kube-hundred: build node tools kube-tools ## Measure 100 pods with hooks on one node beside the kubelet's hooks; PODS is another number (root)
	$(KUBE_TEST) -v -run '^TestManyPods$$' . -pods $(or $(PODS),100)

# The tests are a module of their own, which the linter does not see from above.
.PHONY: lint-kube
lint-kube: joiner
	cd integration/kube && go run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

lint: lint-kube
