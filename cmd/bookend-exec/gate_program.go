//go:build cgo && linux && (amd64 || arm64)

package main

/*
#cgo CFLAGS: -O2 -fno-stack-protector
#include <stddef.h>
extern const char *bookend_gate_code(void);
extern size_t bookend_gate_size(void);
extern size_t bookend_gate_offset(void);
*/
import "C"

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"unsafe"
)

// Where the kernel puts the program. Its code runs anywhere; pages have up to
// 64 KiB.
const (
	gateAddress = 0x400000
	gateAlign   = 0x10000
)

// elfHeader and elfSegment are those of a 64-bit ELF file: see elf(5).
type elfHeader struct {
	Ident                       [16]byte
	Type, Machine               uint16
	Version                     uint32
	Entry, SegmentOff, Sections uint64
	Flags                       uint32
	Size, SegmentSize           uint16
	Segments                    uint16
	_                           [3]uint16
}

type elfSegment struct {
	Type, Flags                                         uint32
	Offset, Address, PhysAddress, FileSize, Size, Align uint64
}

// gateProgram makes a program of the code in gate.c: some kilobytes that start
// in a fraction of the time of this binary and are as soon forgotten.
func gateProgram() []byte {
	const (
		executable          = 2
		load, stack         = 1, 0x6474e551
		runs, writes, reads = 1, 2, 4
		headers             = 64 + 2*56
	)
	code := C.GoBytes(unsafe.Pointer(C.bookend_gate_code()), C.int(C.bookend_gate_size()))
	size := uint64(headers + len(code))
	machine := map[string]uint16{"amd64": 62, "arm64": 183}[runtime.GOARCH]
	var program bytes.Buffer
	for _, part := range []any{
		elfHeader{
			Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: executable, Machine: machine, Version: 1,
			Entry: gateAddress + headers + uint64(C.bookend_gate_offset()), SegmentOff: 64, Size: 64, SegmentSize: 56, Segments: 2,
		},
		elfSegment{Type: load, Flags: reads | runs, Address: gateAddress, PhysAddress: gateAddress, FileSize: size, Size: size, Align: gateAlign},
		elfSegment{Type: stack, Flags: reads | writes, Align: 16},
		code,
	} {
		_ = binary.Write(&program, binary.LittleEndian, part) // a buffer takes all
	}
	return program.Bytes()
}
