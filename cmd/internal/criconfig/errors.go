package criconfig

import "errors"

// errSpread: what cannot be changed by changing one line is for a person.
var errSpread = errors.New("its imports are not on one line")
