// Package bootstrap stands between a shim that is built on containerd 2.3 or newer
// and an older daemon that starts it.
//
//	                    1.7, 2.0 to 2.2              2.3 and newer
//	flags               the same                     the same
//	stdin of "start"    the runtime's options, an    BootstrapParams, the options
//	                    Any; or nothing              among its extensions
//	stdout of "start"   JSON: version, address,      BootstrapResult
//	                    protocol
//	the address, for    the file "address" in the    bootstrap.json, which
//	its next start      bundle, by the shim (1.7)    the daemon writes (from 2.0)
//	Task API            containerd.task.v2           containerd.task.v3 (2.3: v2, which
//	                                                 package shim tells it)
//
// (containerd's core/runtime/v2, binary.go and shim.go of those releases; in 2.3
// pkg/shim/compat.go refuses the older form.) Older daemons are told that the shim has
// version 2 of its API, the only one that 1.7 takes: which of them it is, nothing that
// they say tells.
//
// All else that a daemon asks of a shim's binary, "delete" and "-info", is alike in all.
package bootstrap
