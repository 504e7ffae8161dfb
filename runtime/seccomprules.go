package runtime

import (
	"fmt"
	"slices"
	"strings"

	"bookend.dev/bookend/runtime/wire"
)

// sameRules tells why the runtime may have made another program of the profile:
// a library passes over the rules of system calls that it does not know.
func sameRules(p *wire.SeccompProgram, rt Identity) error {
	switch {
	case rt.Libseccomp == p.Libseccomp:
		return nil
	case len(p.Unresolved) > 0:
		return fmt.Errorf("%w: %s of bookend-exec does not know %s; the runtime has %s", errOtherRules,
			libseccomp(p.Libseccomp), strings.Join(p.Unresolved, ", "), libseccomp(rt.Libseccomp))
	case rt.Libseccomp != "" && older(rt.Libseccomp, p.Libseccomp):
		return fmt.Errorf("%w: the runtime's %s is older than %s of bookend-exec", errOtherRules,
			libseccomp(rt.Libseccomp), libseccomp(p.Libseccomp))
	}
	return nil
}

func libseccomp(version string) string {
	if version == "" {
		return "a libseccomp that it does not name"
	}
	return "libseccomp " + version
}

// older tells whether version a is older than b, or cannot be compared.
func older(a, b string) bool {
	var va, vb [3]int
	if _, err := fmt.Sscanf(a+" "+b, "%d.%d.%d %d.%d.%d", &va[0], &va[1], &va[2], &vb[0], &vb[1], &vb[2]); err != nil {
		return true
	}
	return slices.Compare(va[:], vb[:]) < 0
}
