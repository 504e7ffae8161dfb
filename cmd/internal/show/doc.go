// Package show turns the records and statuses of a node into what people and
// programs read: which to take, and which words stand in a cell.
//
// Nothing here reads the clock or the time zone: callers give both. Names, ids
// and what hooks printed were written by others, who may have meant a terminal
// to act on them: see [Escape].
package show
