package main

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestCrictlError(t *testing.T) {
	ended := errors.New("exit status 1")
	for stderr, want := range map[string]error{
		`time="t" level=warning msg="a \"b\""` + "\n" + `time="t" level=fatal msg="starting \"c1\": rpc error: code = Aborted desc = FailedPostStartHook"`: status.Error(
			codes.Aborted, `crictl: exit status 1: starting "c1": rpc error: code = Aborted desc = FailedPostStartHook`),
		"FATA[0000] no such file\n":        status.Error(codes.Unknown, "crictl: exit status 1: FATA[0000] no such file"),
		"rpc error: code = Odd desc = huh": status.Error(codes.Unknown, "crictl: exit status 1: rpc error: code = Odd desc = huh"),
	} {
		if got := crictlError(stderr, ended); got.Error() != want.Error() {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
