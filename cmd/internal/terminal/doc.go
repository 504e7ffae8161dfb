// Package terminal makes text of others fit to be printed on a terminal.
package terminal
