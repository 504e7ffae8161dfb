package record

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"bookend.dev/bookend/hooks"
)

func statuses(t *testing.T, s *Store) []Status {
	t.Helper()
	all, skipped, err := s.Statuses()
	if err != nil || skipped != nil {
		t.Errorf("Statuses: skipped %v, %v", skipped, err)
	}
	return all
}

func TestTheLatestStatusStandsUntilItIsRemoved(t *testing.T) {
	s := newStore(t, Limits{})
	c := Subject{Namespace: "n", Container: "c", Pod: "p"}
	began := time.Now().UTC()
	for _, phase := range []string{"created", "starting", "postStart"} {
		s.Post(Status{Subject: c, Phase: phase, Hook: hooks.PostStart, Started: &began})
	}
	s.flush()
	all := statuses(t, s)
	if len(all) != 1 || all[0].Phase != "postStart" || all[0].Subject != c || !all[0].Started.Equal(began) || all[0].Version != Version {
		t.Fatalf("got %+v", all)
	}
	if self, err := Self(); err != nil || all[0].Shim != self || self.Pid != os.Getpid() {
		t.Errorf("shim %+v, self %+v, %v", all[0].Shim, self, err)
	}
	s.Post(Status{Subject: c, Phase: "running"})
	s.flush()
	if all := statuses(t, s); len(all) != 1 || all[0].Phase != "running" || all[0].Hook != "" {
		t.Errorf("got %+v", all)
	}
	s.Post(Status{Subject: c, Phase: "exited"})
	s.Remove(c)
	if files, err := os.ReadDir(filepath.Join(s.dir, statusesDir)); err != nil || len(files) > 0 {
		t.Errorf("left %v, %v", files, err)
	}
	s.Remove(c)
}

// What passes in less than the time that a status settles in is not written.
func TestAStatusSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Limits{})
		s.statusDelay = statusDelay
		c := Subject{Namespace: "n", Container: "c"}
		s.Post(Status{Subject: c, Phase: "created"})
		s.Post(Status{Subject: c, Phase: "starting"})
		synctest.Wait()
		if all := statuses(t, s); len(all) > 0 {
			t.Errorf("at once: got %+v", all)
		}
		<-time.After(statusDelay)
		synctest.Wait()
		if all := statuses(t, s); len(all) != 1 || all[0].Phase != "starting" {
			t.Errorf("settled: got %+v", all)
		}
		s.Post(Status{Subject: c, Phase: "exited"})
		s.Remove(c)
		<-time.After(statusDelay)
		synctest.Wait()
		if all := statuses(t, s); len(all) > 0 {
			t.Errorf("after it was removed: got %+v", all)
		}
	})
}

// deadProcess returns a process that is no more.
func deadProcess(t *testing.T) Process {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return Process{Pid: cmd.Process.Pid, StartTime: 1}
}

func self(t *testing.T) Process {
	t.Helper()
	p, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// writeStatus writes a status as a shim did that is not this process.
func writeStatus(t *testing.T, s *Store, st Status) {
	t.Helper()
	content, err := json.Marshal(st)
	if err == nil {
		err = os.WriteFile(s.statusPath(statusName(st.Subject)), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatusesOfOlderVersionsDoNotNameTheirBoot(t *testing.T) {
	s := newStore(t, Limits{})
	s.Post(Status{Subject: Subject{Namespace: "n", Container: "new"}})
	s.flush()
	shim := self(t)
	if shim.Boot == "" {
		t.Error("the boot is not known")
	}
	shim.Boot = ""
	writeStatus(t, s, Status{Version: Version, Subject: Subject{Namespace: "n", Container: "old"}, Shim: shim})
	if all := statuses(t, s); len(all) != 2 {
		t.Errorf("got %+v, want both", all)
	}
}

// Who reads may not see the kernel's files, and tells no shim dead for that.
func TestAShimLivesWhereTheBootIsNotKnown(t *testing.T) {
	p, real := self(t), thisBoot
	thisBoot = func() string { return "" }
	t.Cleanup(func() { thisBoot = real })
	if !p.Alive() {
		t.Errorf("%+v is not alive", p)
	}
}

func TestStatusesOfDeadShimsDoNotCount(t *testing.T) {
	s := newStore(t, Limits{})
	alive := Subject{Namespace: "n", Container: "alive"}
	s.Post(Status{Subject: alive})
	s.flush()
	reused, rebooted := self(t), self(t)
	reused.StartTime, rebooted.Boot = 1, "the one before"
	for name, p := range map[string]Process{"dead": deadProcess(t), "reused": reused, "rebooted": rebooted} {
		writeStatus(t, s, Status{Version: Version, Subject: Subject{Namespace: "n", Container: name}, Shim: p})
	}
	old := filepath.Join(s.dir, statusesDir, ".torn@n.json")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if all := statuses(t, s); len(all) != 1 || all[0].Subject != alive {
		t.Errorf("got %+v, want the one that is alive", all)
	}
	torn := s.statusPath(tmpPrefix + "dead@n.json")
	if err := os.WriteFile(torn, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Abandon("n", "dead")
	s.Abandon("n", "alive")
	if _, err := os.Stat(torn); !os.IsNotExist(err) {
		t.Errorf("what the dead shim was writing: %v", err)
	}
	if _, err := os.Stat(s.statusPath("dead@n.json")); !os.IsNotExist(err) {
		t.Errorf("after Abandon: %v", err)
	}
	if err := s.prune(true); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(s.dir, statusesDir))
	if err != nil || len(files) != 1 || files[0].Name() != "alive@n.json" {
		t.Errorf("left %v, %v; want alive@n.json", files, err)
	}
}

func TestForeignStatusesAreTold(t *testing.T) {
	s := newStore(t, Limits{})
	s.Post(Status{Subject: Subject{Namespace: "n", Container: "c"}})
	s.flush()
	if err := os.WriteFile(s.statusPath("x@n.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, skipped, err := s.Statuses()
	if len(all) != 1 || len(skipped) != 1 || err != nil {
		t.Errorf("got %+v, skipped %v, %v", all, skipped, err)
	}
}
