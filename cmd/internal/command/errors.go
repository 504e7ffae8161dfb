package command

import "errors"

var errFormat = errors.New("must be table or json")
