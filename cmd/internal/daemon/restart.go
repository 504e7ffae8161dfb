package daemon

import "cmp"

// Where a containerd listens, and the unit that runs it, unless it is known
// better.
const (
	Socket = "/run/containerd/containerd.sock"
	Unit   = "containerd"
)

// Usual is the containerd of a node without an address; an empty field means that
// of plain containerd.
type Usual struct{ Socket, Unit string }

// Restart is what makes a containerd read its files again: a command, which is
// true, or what a person has to find one for. On a host with several, the one at
// the address is meant, an empty one being the usual; d is nil where it does not
// run.
func Restart(d *Daemon, address string, usual Usual) (what string, command bool) {
	switch {
	case d != nil && d.Unit != "":
		return "systemctl restart " + d.Unit, true
	case address != "" && address != cmp.Or(usual.Socket, Socket):
		return "restart the containerd of " + address, false
	}
	return "systemctl restart " + cmp.Or(usual.Unit, Unit), true
}
