package daemon

// Socket is where a containerd listens unless it is told otherwise.
const Socket = "/run/containerd/containerd.sock"

// Restart is what makes a containerd read its files again: a command, which is
// true, or what a person has to find one for. On a host with several, the one at
// the address is meant, an empty one being the usual; d is nil where it does not
// run.
func Restart(d *Daemon, address string) (what string, command bool) {
	switch {
	case d != nil && d.Unit != "":
		return "systemctl restart " + d.Unit, true
	case address != "" && address != Socket:
		return "restart the containerd of " + address, false
	}
	return "systemctl restart containerd", true
}
