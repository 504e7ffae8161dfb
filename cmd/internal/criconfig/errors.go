package criconfig

import "errors"

var (
	// errSpread: what cannot be changed by changing one line is for a person.
	errSpread = errors.New("its imports are not on one line")
	// errChanges: so is what would not say the same with a table more.
	errChanges = errors.New("a table at its end would change what it says")
	// errTrims: nor is there a place after the end of a template that takes it away.
	errTrims = errors.New("it ends with -}}, which takes away the line after it")
)
