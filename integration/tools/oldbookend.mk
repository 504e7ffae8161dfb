# bookend as it once was, from which tests upgrade and to which they roll back: built
# from this repository's own history, with the modules that its go.mod names. Where
# the history does not reach that far back, as in a shallow clone, a file says so, and
# the tests are skipped with what it says. Included by the Makefile at the top of the
# repository.

# 0.1.0-dev when hooks were staged: joined to their containers by bookend-exec and
# parked there, with libcontainer.
OLD_BOOKEND := bb0e14b
OLD_DIR     := .cache/old-bookend

.PHONY: old-bookend
old-bookend: deps ## Build an old bookend from the history, for the tests of upgrades
	@stamp=$(OLD_DIR)/built-$$(sha256sum <integration/tools/oldbookend.mk | cut -c1-16); \
	[ ! -e $$stamp ] || exit 0; \
	rm -rf $(OLD_DIR) && mkdir -p $(OLD_DIR) || exit 1; \
	if ! git cat-file -e '$(OLD_BOOKEND)^{commit}' 2>/dev/null; then \
		echo 'the history of this clone does not have commit $(OLD_BOOKEND): try git fetch --unshallow' | tee $(OLD_DIR)/missing >&2; \
		exit 0; \
	fi; \
	echo 'building bookend $(OLD_BOOKEND)'; \
	mkdir $(OLD_DIR)/src && git archive $(OLD_BOOKEND) | tar -x -C $(OLD_DIR)/src && \
	env -u MAKEFLAGS -u MAKELEVEL make -s -C $(OLD_DIR)/src build VERSION=0.1.0-dev BIN=../bin >/dev/null && \
	rm -r $(OLD_DIR)/src && touch $$stamp

test integration: old-bookend
