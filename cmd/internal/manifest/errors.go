package manifest

import "errors"

// Why a place in a manifest cannot be rewritten.
var (
	errMerged   = errors.New("comes from a YAML alias or merge key: write it out")
	errFlow     = errors.New("is in flow style ({...}): write it in block style")
	errNotPlain = errors.New("is in flow style ({...}) with more than keys and values: write it in block style")
	errEmpty    = errors.New("is empty in a way that no lines can be added to: remove it")
	errAnchor   = errors.New("has a YAML anchor or tag: write it out where it is used")
)
