# Docker Engine and its command line, built from their modules, and the tests of
# bookend under them. Included by the Makefile at the top of the repository. Not
# a part of `make test`: dockerd takes eight minutes of two cores to compile.
# Docker 28 comes with containerd 1.7: to test with that, make containerd-1.7
# test-docker BOOKEND_TOOLS=$PWD/.cache/containerd-1.7.

DOCKERD_DIR   := .cache/dockerd
DOCKERD_STAMP := $(DOCKERD_DIR)/built-$(shell cat integration/tools/dockerd/go.mod integration/docker/docker.mk | sha256sum | cut -c1-16)
MOBY          := github.com/moby/moby/v2
DOCKER_CLI    := github.com/docker/cli
# docker has no go.mod, which go takes for the language of Go 1.16.
DOCKERD_BUILD  = CGO_ENABLED=0 go build -buildvcs=false -trimpath -o $(abspath $(DOCKERD_DIR))/

.PHONY: dockerd
dockerd: $(DOCKERD_STAMP) ## Build Docker Engine and its command line, which test-docker runs

$(DOCKERD_STAMP):
	rm -rf $(DOCKERD_DIR)
	mkdir -p $(DOCKERD_DIR)
	cd integration/tools/dockerd && $(DOCKERD_BUILD) \
		-ldflags "-s -w -X $(MOBY)/dockerversion.Version=$(call version_of,$(MOBY))" $(MOBY)/cmd/dockerd
	cd integration/tools/dockerd && $(DOCKERD_BUILD) -gcflags '$(DOCKER_CLI)/...=-lang=go1.26' \
		-ldflags "-s -w -X $(DOCKER_CLI)/cli/version.Version=$(call version_of,$(DOCKER_CLI))" $(DOCKER_CLI)/cmd/docker
	touch $@

.PHONY: test-docker
test-docker: build tools dockerd ## Run the tests with Docker Engine, and the commands that the documentation shows (root)
	cd integration/docker && go vet . && go test -race -count=1 -timeout 20m .

# The tests are a module of their own, which the linter does not see from above.
.PHONY: lint-docker
lint-docker: joiner
	cd integration/docker && go run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

lint: lint-docker
