package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// seccompCall is struct seccomp_data of the kernel: a system call.
type seccompCall struct {
	nr, arch uint32
	args     [6]uint64
}

// word is the 32-bit word at an offset, as in the memory of a small-endian
// machine.
func (c *seccompCall) word(offset uint32) uint32 {
	const args = 16
	switch {
	case offset == 0:
		return c.nr
	case offset == 4:
		return c.arch
	case offset < args:
		return 0 // the instruction's address, at which no filter of libseccomp's looks
	}
	return uint32(c.args[(offset-args)/8] >> (8 * (offset % 8)))
}

// runFilter is the kernel's interpreter for what libseccomp and libcontainer
// write; see Documentation/networking/filter.rst. It tells whether the answer
// depends on an argument.
func runFilter(program []unix.SockFilter, call *seccompCall) (answer uint32, looked bool, err error) {
	const args = 16
	var a uint32
	for pc := 0; pc < len(program); pc++ {
		switch i := program[pc]; i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = call.word(i.K)
			looked = looked || i.K >= args
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= i.K
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(i.K)
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			pc += branch(i, a == i.K)
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			pc += branch(i, a > i.K)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			pc += branch(i, a >= i.K)
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			pc += branch(i, a&i.K != 0)
		case unix.BPF_RET | unix.BPF_K:
			return i.K, looked, nil
		default:
			return 0, false, fmt.Errorf("instruction %d has the code %#x, which this interpreter does not know", pc, i.Code)
		}
	}
	return 0, false, errors.New("the program has no end")
}

func branch(i unix.SockFilter, taken bool) int {
	if taken {
		return int(i.Jt)
	}
	return int(i.Jf)
}

func instructions(program []byte) []unix.SockFilter {
	var all []unix.SockFilter
	for i := range slices.Chunk(program, 8) {
		all = append(all, unix.SockFilter{Code: binary.NativeEndian.Uint16(i), Jt: i[2], Jf: i[3], K: binary.NativeEndian.Uint32(i[4:])})
	}
	return all
}

// wantSameAnswers asks two programs for every call that either could tell apart:
// of all numbers, of several architectures, and, where one looks at arguments,
// with each constant of theirs, and what is beside it, as each argument.
func wantSameAnswers(t *testing.T, got, want []byte) {
	t.Helper()
	a, b := instructions(got), instructions(want)
	asked, answers := 0, map[uint32]int{}
	ask := func(call seccompCall) (looked bool) {
		x, looksX, errX := runFilter(a, &call)
		y, looksY, errY := runFilter(b, &call)
		if errX != nil || errY != nil {
			t.Fatal(errX, errY)
		}
		if x != y {
			t.Fatalf("call %#x of architecture %#x with %#x: %#x, the container's own answers %#x", call.nr, call.arch, call.args, x, y)
		}
		asked++
		answers[x]++
		return looksX || looksY
	}
	constants := constantsOf(a, b)
	numbers, values := numbersToAsk(constants), argumentsToAsk(constants)
	for _, arch := range []uint32{unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_S390X} {
		for nr := range numbers {
			if !ask(seccompCall{nr: nr, arch: arch}) {
				continue
			}
			for arg := range 6 {
				for v := range values {
					call := seccompCall{nr: nr, arch: arch}
					call.args[arg] = v
					ask(call)
				}
			}
		}
	}
	if len(answers) < 2 {
		t.Errorf("all calls have one answer: %v", answers)
	}
	t.Logf("%d calls, %d kinds of answers, %d and %d instructions", asked, len(answers), len(a), len(b))
}

// constantsOf are what programs compare with, or mask by, and their neighbours.
func constantsOf(programs ...[]unix.SockFilter) map[uint32]bool {
	constants := map[uint32]bool{}
	for _, i := range slices.Concat(programs...) {
		if class := i.Code & 7; class == unix.BPF_ALU || class == unix.BPF_JMP && i.Code != unix.BPF_JMP|unix.BPF_JA {
			constants[i.K], constants[i.K+1], constants[i.K-1] = true, true, true
		}
	}
	return constants
}

func numbersToAsk(constants map[uint32]bool) map[uint32]bool {
	const x32, beyond = 1 << 30, 600 // more than there are
	numbers := maps.Clone(constants)
	for n := range uint32(beyond) {
		numbers[n], numbers[n|x32] = true, true
	}
	return numbers
}

// argumentsToAsk has each constant as either half of an argument.
func argumentsToAsk(constants map[uint32]bool) map[uint64]bool {
	values := map[uint64]bool{}
	for c := range constants {
		v := uint64(c)
		values[v], values[v<<32], values[v<<32|0x1234] = true, true, true
	}
	return values
}
