package daemon

import "testing"

func TestTheContainerdThatIsMeantIsRestarted(t *testing.T) {
	inUnit := &Daemon{Process: Process{Unit: "k3s"}}
	for _, tt := range []struct {
		d       *Daemon
		address string
		want    string
		command bool
	}{
		{nil, "", "systemctl restart containerd", true},
		{nil, Socket, "systemctl restart containerd", true},
		{&Daemon{}, Socket, "systemctl restart containerd", true},
		{inUnit, "/run/k3s/containerd/containerd.sock", "systemctl restart k3s", true},
		{inUnit, "", "systemctl restart k3s", true},
		{nil, "/x.sock", "restart the containerd of /x.sock", false},
		{&Daemon{}, "/x.sock", "restart the containerd of /x.sock", false},
	} {
		if what, command := Restart(tt.d, tt.address); what != tt.want || command != tt.command {
			t.Errorf("%+v at %q: got %q, %v", tt.d, tt.address, what, command)
		}
	}
}
