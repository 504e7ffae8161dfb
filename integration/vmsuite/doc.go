// Command vmsuite runs the integration tests on a node like those that people
// have, in a virtual machine: Debian's kernel with cgroup v2 alone and AppArmor,
// and either systemd, which makes the cgroups of containers, or a small init that
// makes none, so that the runtime does.
//
//	disks/*.sh: packages -> root.ext4, vmlinuz, modules.ext4   (cached)
//	here:       test binaries, tools, bin/ -> suite.ext4         (each run)
//	QEMU -> initramfs.sh -> init.sh or systemd -> suite.sh -> plan.sh
//
// The guest has two consoles. The first one is the kernel's and systemd's, kept in
// a file. On the second one suite.sh writes what test binaries print, and between
// that lines of its own, which begin with the byte 1.
package main
