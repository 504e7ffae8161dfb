# bookend-node and bookend-webhook, which bookend runs in a Kubernetes cluster, and
# kubectl-bookend, kubectl's plugin. They are a module of their own, which keeps client-go and its
# like out of the shim. Included by the Makefile at the top of the repository.

NODE_DIR     := cmd/bookend-node
NODE_LDFLAGS := -s -w -buildid= -X main.version=$(VERSION)
NODE_MAINS   := . ./bookend-webhook ./kubectl-bookend

.PHONY: node
node: ## Build bookend-node, bookend-webhook and kubectl-bookend into bin/; GOARCH=arm64: into bin/arm64/
	mkdir -p $(BIN)
	cd $(NODE_DIR) && CGO_ENABLED=0 $(GOBUILD) -ldflags '$(NODE_LDFLAGS)' -o $(abspath $(BIN))/ $(NODE_MAINS)

# Whom pods belong to need not have Linux.
PLUGIN_PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: plugin
plugin: ## Build kubectl-bookend for Linux, macOS and Windows into dist/
	@mkdir -p $(DIST)
	cd $(NODE_DIR) && for p in $(PLUGIN_PLATFORMS); do \
		export GOOS=$${p%/*} GOARCH=$${p#*/}; \
		CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags '$(NODE_LDFLAGS)' \
			-o $(abspath $(DIST))/kubectl-bookend_$(VERSION)_$${GOOS}_$$GOARCH$$(go env GOEXE) ./kubectl-bookend || exit 1; \
	done

# One architecture of each tells whether the plugin builds there.
.PHONY: vet-plugin
vet-plugin:
	cd $(NODE_DIR) && for p in darwin/arm64 windows/amd64; do \
		GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 go vet ./kubectl-bookend || exit 1; \
	done

# The API server's evaluator of policies, which has one goroutine, is a dozen times slower
# under the race detector.
.PHONY: test-node
test-node: vet-plugin ## Run the unit tests of bookend-node, bookend-webhook and kubectl-bookend
	cd $(NODE_DIR) && go vet ./... && go test -race $$(go list ./... | grep -v /internal/policy$$) && go test ./internal/policy

.PHONY: test-node-kube
test-node-kube: kube-tools ## Run the tests of the aggregated API that need a real kube-apiserver
	cd $(NODE_DIR) && BOOKEND_KUBE=$(abspath $(KUBE_DIR)) go test -tags kube -count=1 ./internal/look

# The linter does not see another module from above.
.PHONY: lint-node
lint-node:
	cd $(NODE_DIR) && go run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

# CPU time of the admission webhook beside one that does nothing: make bench BENCH=webhook.
.PHONY: bench-webhook
bench-webhook:
	cd $(NODE_DIR) && go run ./webhookbench $(if $(filter-out 0,$(QUICK)),-rounds 5 -requests 50) $(ARGS)

test: test-node
lint: lint-node
