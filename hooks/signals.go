package hooks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// linuxSignals are the signals of a container by their names, without "SIG", as
// Kubernetes spells them. They are Linux' on amd64 and arm64 wherever this runs: kubectl
// bookend names them on systems that have other ones, or none.
var linuxSignals = map[string]syscall.Signal{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
	"USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CLD": 17,
	"CONT": sigCont, "STOP": sigStop, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26,
	"PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,

	"RTMIN": 34, "RTMIN+1": 35, "RTMIN+2": 36, "RTMIN+3": sigRTMin3, "RTMIN+4": 38, "RTMIN+5": 39, "RTMIN+6": 40,
	"RTMIN+7": 41, "RTMIN+8": 42, "RTMIN+9": 43, "RTMIN+10": 44, "RTMIN+11": 45, "RTMIN+12": 46, "RTMIN+13": 47,
	"RTMIN+14": 48, "RTMIN+15": 49, "RTMAX-14": 50, "RTMAX-13": 51, "RTMAX-12": 52, "RTMAX-11": 53, "RTMAX-10": 54,
	"RTMAX-9": 55, "RTMAX-8": 56, "RTMAX-7": 57, "RTMAX-6": 58, "RTMAX-5": 59, "RTMAX-4": 60, "RTMAX-3": 61,
	"RTMAX-2": 62, "RTMAX-1": 63, "RTMAX": 64,
}

// SignalName is a signal's name as Kubernetes spells it: "SIGTERM",
// "SIGRTMIN+3". One without a name is its number.
func SignalName(s syscall.Signal) string {
	if name := nameOf(int64(s)); name != "" {
		return name
	}
	return strconv.Itoa(int(s))
}

// SignalText is a signal's number, and its name where it has one: "9 (SIGKILL)".
func SignalText(s syscall.Signal) string {
	if name := nameOf(int64(s)); name != "" {
		return fmt.Sprintf("%d (%s)", int(s), name)
	}
	return strconv.Itoa(int(s))
}

// nameOf returns the name of a signal by its number; "": it has none.
func nameOf(number int64) string {
	var names []string // CHLD and CLD, for example
	for name, s := range linuxSignals {
		if int64(s) == number {
			names = append(names, "SIG"+name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// meantSignal returns the name of the signal that text is the name of, in
// whatever spelling, or the number; "": of none.
func meantSignal(text string) string {
	short := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if _, ok := linuxSignals[short]; ok {
		return "SIG" + short
	}
	number, err := strconv.ParseInt(text, 0, 32)
	if err != nil {
		return ""
	}
	return nameOf(number)
}

// signalNamed is the signal that meantSignal has named.
func signalNamed(name string) syscall.Signal {
	return linuxSignals[strings.TrimPrefix(name, "SIG")]
}
