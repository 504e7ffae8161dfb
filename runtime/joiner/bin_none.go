//go:build !amd64 && !arm64

package joiner

import "embed"

// programs has no joiner: [Open] returns [ErrNotBuilt].
var programs embed.FS
