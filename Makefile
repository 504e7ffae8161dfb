# bookend: container lifecycle hooks in the runtime itself.
# `make help` lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash

VERSION ?= $(shell git describe --tags --match 'v*' 2>/dev/null | sed 's/^v//' || true)
ifeq ($(VERSION),)
VERSION := 0.1.0-dev
endif

include cmd/bookend-exec/cross.mk

# Without a build ID, which would differ with the directory that it is built in.
GOBUILD := GOARCH=$(ARCH) go build -buildvcs=false -trimpath
LDFLAGS := -s -w -buildid= -X bookend.dev/bookend/shim.Version=$(VERSION) -X bookend.dev/bookend/cmd/bookend/internal/cli.Version=$(VERSION)

# Without grpc's pages about its calls, for which html/template would be linked: a program
# with templates keeps every exported method of every type.
GRPC_TAGS := grpcnotrace

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What the tests need to find.
export BOOKEND_BIN   := $(CURDIR)/$(BIN)
export BOOKEND_TOOLS := $(CURDIR)/.cache/tools/bin
export BOOKEND_TEST_RUNC := $(BOOKEND_TOOLS)/runc
export BOOKEND_TEST_EXEC := $(BOOKEND_BIN)/bookend-exec

include integration/tools/tools.mk
include integration/tools/peers.mk
include integration/docker/docker.mk
include integration/kube/kube.mk
include integration/tools/kube.mk
include integration/tools/oldbookend.mk
include integration/testmatrix/matrix.mk
include integration/vm/vm.mk
include integration/vmsuite/vmsuite.mk
include deploy/packages/packages.mk
include cmd/bookend-node/node.mk
include deploy/monitoring/monitoring.mk
include deploy/deploy.mk

UNIT = ./hooks/... ./runtime/... ./shim/... ./cmd/... ./docs

# All but the tests in a virtual machine, which want this one for themselves, those of
# packages, which are made before, and those that break things, which would be in the
# way of others that look at time.
INTEGRATION = $$(go list ./integration/... | grep -vE '/integration/(vm|chaos|packages)$$')
CHAOS_TEST  = go test -race -count=1 -v -timeout 10m ./integration/chaos

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST) | sort

# The joiner is a program without a C library: any gcc for the architecture makes it.
JOINER     := runtime/joiner/bin/$(ARCH)/joiner
JOINER_SRC := $(wildcard runtime/joiner/src/*.[ch])
JOINER_CC  ?= $(CC_FOR)

.PHONY: joiner
joiner: deps cross $(JOINER) ## Build the joiner, which go build then embeds

$(JOINER): $(JOINER_SRC)
	$(JOINER_CC) -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pie -no-pie -s \
		-fno-stack-protector -fno-asynchronous-unwind-tables $(if $(filter arm64,$(ARCH)),-mno-outline-atomics) \
		-Wl,--build-id=none,-z,noexecstack -o $@ $(filter %.c,$^)

# bookend-exec is linked statically: it runs on nodes that have no libseccomp or
# another glibc. Which libseccomp it has matters: docs/runtimes.md.
.PHONY: build
build: joiner ## Build all binaries into bin/; GOARCH=arm64: into bin/arm64/
	CGO_ENABLED=0 $(GOBUILD) -tags $(GRPC_TAGS) -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/containerd-shim-bookend-v2 ./cmd/bookend
	$(CGO_EXEC) $(GOBUILD) -tags 'seccomp netgo osusergo' -ldflags '-s -w -buildid= -X main.version=$(VERSION) -extldflags -static' -o $(BIN)/ ./cmd/bookend-exec

.PHONY: deps
deps: ## Install what building and testing need and this machine lacks (Debian, Ubuntu)
	@missing=(); \
	command -v gcc >/dev/null || missing+=(gcc libc6-dev); \
	command -v pkg-config >/dev/null || missing+=(pkg-config); \
	pkg-config --exists libseccomp 2>/dev/null || missing+=(libseccomp-dev); \
	{ command -v busybox && ! ldd "$$(command -v busybox)"; } >/dev/null 2>&1 || missing+=(busybox-static); \
	command -v ip >/dev/null || missing+=(iproute2); \
	command -v iptables >/dev/null || missing+=(iptables); \
	if [ $${#missing[@]} -gt 0 ]; then \
		echo "installing $${missing[*]}"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi

.PHONY: test
test: build tools peers vm-deps vm-kernel vm-programs ## Build, install what is missing, run all tests
	go vet ./...
	go test -race $(UNIT)
	go test -race -count=1 -timeout 25m $(INTEGRATION)
	$(CHAOS_TEST)
	go test -count=1 -timeout 25m ./integration/vm

.PHONY: unit
unit: build tools ## Run the unit tests, with the race detector
	go test -race $(UNIT)

.PHONY: integration
integration: build tools peers ## Run the integration tests against a real containerd (root)
	go test -race -count=1 -timeout 25m $(INTEGRATION)
	$(CHAOS_TEST)


.PHONY: vm
vm: build tools vm-deps vm-kernel vm-programs ## Run the tests that need cgroup v2 in a virtual machine; GOARCH=arm64: in one of that
	go test -count=1 -timeout 25m ./integration/vm

.PHONY: bench-vm
bench-vm: build tools vm-deps vm-kernel vm-programs ## Print what a hook costs on cgroup v2, in units of runc exec
	BOOKEND_VM_BENCH=1 go test -count=1 -timeout 25m -v -run BenchOnCgroupV2 ./integration/vm

.PHONY: chaos
chaos: build tools ## Break what hooks depend on and check what bookend promises; SEED, DURATION=1m or ROUNDS, FAULT names one (root)
	go run -race ./integration/chaos $(if $(SEED),-seed $(SEED)) $(if $(DURATION),-duration $(DURATION)) \
		$(if $(ROUNDS),-rounds $(ROUNDS)) $(if $(FAULT),-only '$(FAULT)') $(ARGS)

.PHONY: demo
demo: build tools ## Run the Kubernetes lifecycle example as a real pod and print its timeline (root)
	@go run ./integration/demo

.PHONY: critest
critest: build tools ## Run critest on bookend, and what fails also on the stock shim; CRITEST names another critest (root)
	go run ./integration/critest $(if $(CRITEST),-critest '$(CRITEST)') $(ARGS)

.PHONY: bench
bench: $(if $(filter webhook,$(BENCH)),bench-webhook,bench-hooks) ## Measure bookend beside its peers; BENCH picks one, QUICK=1 is short (root, but for BENCH=webhook)

.PHONY: bench-hooks
bench-hooks: build tools peers
	go run ./integration/bench $(if $(BENCH),-bench $(BENCH)) $(if $(filter-out 0,$(QUICK)),-quick) $(ARGS)

.PHONY: mutants
mutants: build tools ## Break each promise about hooks and expect a test to fail; RUN picks promises by a regexp (root)
	go run ./integration/mutants -run '$(RUN)' $(ARGS)

# Pictures are drawn from the .dot files beside them. An SVG names the digest of its
# source. What is compared is all but positions and sizes, in which versions of
# Graphviz and a machine's fonts differ; the digest tells when the source moved one.
PICTURES = $(wildcard docs/pictures/*.dot)
DRAW     = { digest=$$(sha256sum <"$$dot" | cut -c1-16) && dot -Tsvg "$$dot" | \
	sed "s|^<svg|<!-- make pictures: $${dot\#\#*/}, sha256 $$digest -->\n<svg|"; }
SHAPES   = sed -E '/<!-- Generated by graphviz/,/-->/d; s/ (d|points|x|y|cx|cy|rx|ry|width|height|viewBox|transform)="[^"]*"//g'

.PHONY: graphviz
graphviz:
	@command -v dot >/dev/null || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends graphviz >/dev/null; }

.PHONY: pictures
pictures: graphviz ## Draw the pictures of the documentation from their Graphviz sources
	@set -o pipefail; for dot in $(PICTURES); do $(DRAW) >"$${dot%.dot}.svg" || exit 1; done

.PHONY: pictures-check
pictures-check: graphviz ## Check that the pictures are those of their sources
	@set -o pipefail; for dot in $(PICTURES); do \
		diff -u --label "$${dot%.dot}.svg" --label "$$dot, drawn again" <($(SHAPES) "$${dot%.dot}.svg") <($(DRAW) | $(SHAPES)) || \
			{ echo "run make pictures" >&2; exit 1; }; \
	done

.PHONY: lint
lint: joiner pictures-check ## Run the linters, and compare the pictures with their sources
	@test -z "$$(gofmt -l cmd deploy docs hooks integration runtime shim)" || { gofmt -d cmd deploy docs hooks integration runtime shim; exit 1; }
	go run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

.PHONY: fuzz
fuzz: ## Fuzz the annotation grammar, the reader of records, the converter and the joiner's parsers, a minute each
	go test ./hooks -run '^$$' -fuzz FuzzParse -fuzztime 60s
	go test ./hooks/record -run '^$$' -fuzz FuzzDecode -fuzztime 60s
	go test ./cmd/internal/manifest -run '^$$' -fuzz FuzzConvert -fuzztime 60s -fuzzminimizetime 1x
	go test ./cmd/internal/manifest -run '^$$' -fuzz FuzzJSON -fuzztime 60s
	go test ./runtime/joiner -run '^$$' -fuzz FuzzPlan -fuzztime 60s
	go test ./runtime/joiner -run '^$$' -fuzz FuzzHome -fuzztime 60s -fuzzminimizetime 1x

.PHONY: clean
clean: ## Remove what was built; the cached tools stay
	rm -rf $(BIN)
