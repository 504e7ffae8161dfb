package daemon

import "testing"

func TestTheContainerdThatIsMeantIsRestarted(t *testing.T) {
	inUnit := &Daemon{Process: Process{Unit: "k3s"}}
	for _, tt := range []struct {
		d       *Daemon
		address string
		usual   Usual
		want    string
		command bool
	}{
		{nil, "", Usual{}, "systemctl restart containerd", true},
		{nil, Socket, Usual{}, "systemctl restart containerd", true},
		{&Daemon{}, Socket, Usual{}, "systemctl restart containerd", true},
		{inUnit, "/run/k3s/containerd/containerd.sock", Usual{}, "systemctl restart k3s", true},
		{inUnit, "", Usual{}, "systemctl restart k3s", true},
		{nil, "/x.sock", Usual{}, "restart the containerd of /x.sock", false},
		{&Daemon{}, "/x.sock", Usual{}, "restart the containerd of /x.sock", false},
		{nil, "", Usual{"/run/k0s.sock", "k0sworker"}, "systemctl restart k0sworker", true},
		{nil, "/run/k0s.sock", Usual{"/run/k0s.sock", "k0sworker"}, "systemctl restart k0sworker", true},
		{nil, Socket, Usual{"/run/k0s.sock", "k0sworker"}, "restart the containerd of " + Socket, false},
	} {
		if what, command := Restart(tt.d, tt.address, tt.usual); what != tt.want || command != tt.command {
			t.Errorf("%+v at %q: got %q, %v", tt.d, tt.address, what, command)
		}
	}
}
