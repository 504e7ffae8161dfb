package cli

import (
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestACommandThatFinishesSurvivesASignal(t *testing.T) {
	finished := false
	cmd := finishing(&cobra.Command{RunE: func(cmd *cobra.Command, _ []string) error {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		select {
		case <-cmd.Context().Done():
		case <-time.After(20 * time.Second):
			t.Error("its context does not end")
		}
		finished = true
		return nil
	}})
	cmd.SetArgs(nil)
	if err := cmd.ExecuteContext(t.Context()); err != nil || !finished {
		t.Errorf("finished %v, %v", finished, err)
	}
}
