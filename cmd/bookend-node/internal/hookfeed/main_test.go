package hookfeed

import (
	"os"
	"strconv"
	"testing"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "shim":
		shim(os.Args[1])
	case "agent":
		killAt, _ := strconv.Atoi(os.Args[4])
		agent(os.Args[1], os.Args[2], os.Args[3], killAt)
	default:
		os.Exit(m.Run())
	}
}
