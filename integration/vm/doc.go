// Package vm runs programs in a virtual machine with a kernel of its own, for
// what the kernel of the machine at hand does not have: full cgroup v2 on one
// that runs v1, or another architecture. A machine that cannot be made, or does not
// boot, fails the tests.
//
// [Find] gives a [Machine]: QEMU, which emulates the processor, and Debian's
// kernel as its package has it. An [Archive] is the file system of one guest,
// kept in memory: a program, what it needs, busybox, and for containers in the
// guest what debian.sh fetched: a JVM, a Node and AppArmor's parser.
// [Machine.Run] boots the guest, runs the program and turns the guest off:
//
//	QEMU -> kernel -> guest.sh (init) -> program -> status on the console
//
// An emulated guest is some ten times slower than the machine it runs on.
package vm
