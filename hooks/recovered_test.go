package hooks

import (
	"errors"
	"strings"
	"testing"
)

func TestRecovered(t *testing.T) {
	if err := Recovered(func() error { return nil }); err != nil {
		t.Errorf("no error and no panic: %v", err)
	}
	if err := Recovered(func() error { return ErrGone }); !errors.Is(err, ErrGone) {
		t.Errorf("an error: %v", err)
	}
	err := Recovered(func() error { panic("a fault") })
	if err == nil || !strings.HasPrefix(err.Error(), "panic: a fault\n") || !strings.Contains(err.Error(), "recovered_test.go") {
		t.Errorf("a panic, with its stack: %v", err)
	}
}
