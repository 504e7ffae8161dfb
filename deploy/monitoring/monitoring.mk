# The dashboard and the alert rules, tested with Prometheus' own engine: a module of
# its own, so that nothing else depends on that. Included by the Makefile at the top.

# What they read is outside of their module: go would repeat an old result.
.PHONY: test-monitoring
test-monitoring: ## Test the alert rules and the dashboard with Prometheus' parser and engine
	cd deploy/monitoring/check && go vet ./... && go test -count=1 ./...

.PHONY: lint-monitoring
lint-monitoring:
	cd deploy/monitoring/check && go run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

test: test-monitoring
lint: lint-monitoring
