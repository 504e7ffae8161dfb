package joiner

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Flags of src/plan.h.
const (
	unified = 1 << iota
	ownCgroupNamespace
	awaitStart
	addHome
	bareName
	setGroups
	setUmask
	noNewPrivs
	setCaps
	setPersonality
	setIOPriority
	seccompByPrctl
)

// magic begins a plan: "BHK1".
const magic = 0x314b4842

// part is where in a plan something lies.
type part struct{ At, Len uint32 }

// header is struct plan of src/plan.h.
type header struct {
	Magic, Size                    uint32
	Flags, Namespaces              uint32
	InitStart                      uint64
	InitPid                        int32
	UID, GID, Umask                uint32
	IOPriority, SeccompFlags       uint32
	Personality                    uint64
	Caps                           [5]uint64
	Args, Env, Candidates, Cgroups part

	Cwd, OOMScoreAdj, Keyring, KeyLabel, ExecLabel, AppArmor part

	Groups, Rlimits, Scheduler, Seccomp part
}

// encoder lays out a plan.
type encoder struct {
	header
	body []byte // what follows the header
	err  error
}

// encode returns the plan as the joiner reads it.
func (p *Plan) encode() ([]byte, error) {
	e := &encoder{header: header{
		Magic: magic, Namespaces: p.Namespaces, InitPid: int32(p.InitPid), InitStart: p.InitStart,
		UID: p.UID, GID: p.GID,
	}}
	e.flags(p)
	e.values(p)
	e.Args, e.Env, e.Candidates, e.Cgroups = e.list(p.Args), e.list(p.Env), e.list(p.Candidates), e.list(p.Cgroups)
	e.Cwd, e.Keyring, e.KeyLabel = e.text(p.Cwd), e.text(p.Keyring), e.text(p.KeyLabel)
	e.ExecLabel, e.AppArmor = e.text(p.ExecLabel), e.text(p.AppArmor)
	e.Groups, e.Rlimits, e.Scheduler = e.array(p.Groups), e.array(rlimits(p.Rlimits)), e.bytes(p.Scheduler)
	e.Size = uint32(binary.Size(e.header) + len(e.body))
	if e.err != nil {
		return nil, e.err
	}
	data, err := binary.Append(nil, binary.NativeEndian, e.header)
	return append(data, e.body...), err
}

func (e *encoder) flags(p *Plan) {
	for flag, on := range map[uint32]bool{
		unified: p.Unified, ownCgroupNamespace: p.OwnCgroupNamespace, awaitStart: p.AwaitStart, addHome: p.AddHome,
		bareName: p.BareName, setGroups: p.SetGroups, setUmask: p.Umask != nil, noNewPrivs: p.NoNewPrivs,
		setCaps: p.Caps != nil, setPersonality: p.Personality != nil, setIOPriority: p.IOPriority != nil,
		seccompByPrctl: p.Seccomp != nil && p.Seccomp.Prctl,
	} {
		if on {
			e.Flags |= flag
		}
	}
}

// values lays out what a nil says to leave alone.
func (e *encoder) values(p *Plan) {
	if p.Umask != nil {
		e.Umask = *p.Umask
	}
	if p.IOPriority != nil {
		e.IOPriority = uint32(*p.IOPriority)
	}
	if p.Personality != nil {
		e.Personality = *p.Personality
	}
	if c := p.Caps; c != nil {
		e.Caps = [5]uint64{c.Bounding, c.Effective, c.Permitted, c.Inheritable, c.Ambient}
	}
	if p.OOMScoreAdj != nil {
		e.OOMScoreAdj = e.text(strconv.Itoa(*p.OOMScoreAdj))
	}
	if s := p.Seccomp; s != nil {
		e.SeccompFlags, e.Seccomp = s.Flags, e.bytes(s.Program)
		if e.Seccomp.Len == 0 {
			e.err = fmt.Errorf("a seccomp profile without a program")
		}
	}
}

// list is strings that end in NUL.
func (e *encoder) list(values []string) part {
	var b []byte
	for _, v := range values {
		if strings.IndexByte(v, 0) >= 0 {
			e.err = fmt.Errorf("%q: contains a NUL byte", v)
		}
		b = append(append(b, v...), 0)
	}
	return e.bytes(b)
}

// text is one string; an empty one is none.
func (e *encoder) text(v string) part {
	if v == "" {
		return part{}
	}
	return e.list([]string{v})
}

func (e *encoder) array(values any) part {
	b, err := binary.Append(nil, binary.NativeEndian, values)
	if err != nil {
		e.err = err
	}
	return e.bytes(b)
}

// bytes appends b, at an offset that is right for every type.
func (e *encoder) bytes(b []byte) part {
	const align = 8
	p := part{At: uint32(binary.Size(e.header) + len(e.body)), Len: uint32(len(b))}
	e.body = append(e.body, b...)
	for len(e.body)%align != 0 {
		e.body = append(e.body, 0)
	}
	return p
}

// rlimits are struct rlim of src/plan.h.
func rlimits(limits []Rlimit) []uint64 {
	var v []uint64
	for _, l := range limits {
		v = append(v, uint64(l.Resource), l.Soft, l.Hard)
	}
	return v
}
