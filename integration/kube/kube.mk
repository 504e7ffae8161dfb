# The tests of bookend in a cluster of Kubernetes. Included by the Makefile at the
# top of the repository. Not a part of `make test`: the programs take 7 minutes of two
# cores to compile.

# Built like the programs, without the race detector, so that the packages which they
# share are compiled once. What is tested here are other processes.
KUBE_TEST = cd integration/kube && CGO_ENABLED=0 go vet -trimpath . && \
	CGO_ENABLED=0 go test -trimpath -count=1 -parallel 4 -timeout 40m

.PHONY: test-kube
test-kube: build node tools kube-tools ## Run the tests in a cluster of Kubernetes, and compare bookend's hooks with the kubelet's (root)
	$(KUBE_TEST) .

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
