// Package plugin is kubectl-bookend, the command line of kubectl bookend: it asks the
// API hooks.bookend.dev and prints what bookend ps, logs and history print on the
// pod's node.
//
// What people read goes to Out; notes and errors go to Err. Exit codes: 0 success; 1
// failure; 2 wrong usage.
package plugin
