package runtime

import (
	"slices"
	"strings"
)

// prepareEnv makes a hook's environment out of variables as runc's function of
// that name does: of equal names the last one counts, and HOME is added where it
// is missing or empty. crun keeps an empty one.
func prepareEnv(vars []string, keepEmptyHome bool) (env []string, addHome bool, err error) {
	addHome = true
	seen := make(map[string]bool, len(vars))
	for _, v := range slices.Backward(vars) {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok || name == "":
			return nil, false, ownExec("process.env", "a variable has no name or no value")
		case seen[name]:
			continue
		case strings.ContainsRune(v, 0):
			return nil, false, ownExec("process.env", "a variable has a NUL character")
		}
		seen[name] = true
		if name == "HOME" {
			if value == "" && !keepEmptyHome {
				continue
			}
			addHome = false
		}
		env = append(env, v)
	}
	slices.Reverse(env)
	return env, addHome, nil
}
