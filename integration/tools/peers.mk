# Runtimes in whose containers hooks run, besides the runcs that are built of Go
# modules: the runc and the crun of this machine's packages, which are some version,
# and a newer crun. Included by the Makefile at the top of the repository. Tests
# skip what does not exist.

CRUN_DIR := .cache/crun

.PHONY: peers
peers: crun
	@missing=(); \
	command -v crun >/dev/null || missing+=(crun); \
	command -v runc >/dev/null || missing+=(runc); \
	if [ $${#missing[@]} -gt 0 ]; then \
		echo "installing $${missing[*]}"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; } || \
		echo "no packages $${missing[*]}: tests with their containers are skipped" >&2; \
	fi

.PHONY: crun
crun: ## Build a newer crun than Debian 12's from Debian's source package
	@test -e $(CRUN_DIR)/.built-$$(sha256sum <integration/tools/crun.sh | cut -c1-16) || integration/tools/crun.sh $(CRUN_DIR)
