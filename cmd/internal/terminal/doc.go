// Package terminal knows what is a terminal, and makes text of others fit to be
// printed on one.
package terminal
