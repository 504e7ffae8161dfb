package joiner

import "embed"

// programs holds the joiner if it was built, for this architecture alone: what else
// was built here does not change a shim.
//
//go:embed all:bin/arm64
var programs embed.FS
