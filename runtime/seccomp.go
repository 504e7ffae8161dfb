package runtime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	goruntime "runtime"
	"sync"

	"golang.org/x/sys/unix"

	"bookend.dev/bookend/runtime/joiner"
	"bookend.dev/bookend/runtime/wire"
)

// SeccompPrograms compiles the seccomp profiles of containers. It keeps the
// programs in memory for this shim, and in a directory for all shims of the
// node: most of a node's containers share a few profiles. Any number of
// goroutines may use it; one of them compiles at a time.
type SeccompPrograms struct {
	// Log is told what of the directory cannot be used; nil: no one is. The
	// programs are compiled anew then. It is set before Program is called.
	Log func(error)

	files    seccompFiles
	compiler string
	compile  func(ctx context.Context, request []byte) ([]byte, error)
	turn     chan struct{} // holds one token while no profile is looked up

	mu    sync.Mutex
	known map[string]*wire.SeccompProgram // by digest of the input
}

// maxSeccompPrograms bounds what is kept in memory. A program has some 10 KiB.
const maxSeccompPrograms = maxNodeFiles

// NewSeccompPrograms returns what compiles by compile, which hands a
// [wire.SeccompRequest] to bookend-exec and returns its [wire.SeccompProgram],
// both in JSON. compiler is the identity of that bookend-exec. dir need not
// exist; it is made, for root alone.
func NewSeccompPrograms(dir, compiler string, compile func(ctx context.Context, request []byte) ([]byte, error)) *SeccompPrograms {
	s := &SeccompPrograms{
		files: newSeccompFiles(dir), compiler: compiler, compile: compile,
		turn: make(chan struct{}, 1), known: map[string]*wire.SeccompProgram{},
	}
	s.turn <- struct{}{}
	return s
}

// SeccompError says why a container must be entered by its own runtime: no
// program of ours is sure to be the one that confines it.
type SeccompError struct{ Err error }

func (e *SeccompError) Error() string { return "linux.seccomp: " + e.Err.Error() }
func (e *SeccompError) Unwrap() error { return e.Err }

// Program returns the program of a profile, which is linux.seccomp of the OCI
// configuration, for a container of the runtime rt; nil where the profile is
// nil. Its errors are of type [SeccompError].
func (s *SeccompPrograms) Program(ctx context.Context, profile json.RawMessage, rt Identity) (*joiner.Seccomp, error) {
	if profile == nil {
		return nil, nil
	}
	program, err := s.program(ctx, profile)
	if err == nil {
		err = sameRules(program, rt)
	}
	if err != nil {
		return nil, &SeccompError{err}
	}
	return &joiner.Seccomp{Flags: program.Flags, Prctl: program.Prctl, Program: program.Program}, nil
}

// program finds the program of a profile, or compiles it.
func (s *SeccompPrograms) program(ctx context.Context, profile json.RawMessage) (*wire.SeccompProgram, error) {
	digest, err := s.digest(profile)
	if err != nil {
		return nil, err
	}
	if program := s.remembered(digest); program != nil {
		return program, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	}
	if program := s.remembered(digest); program != nil { // of who had the turn before
		return program, nil
	}
	program, err := s.files.load(digest)
	s.tell(err)
	if program == nil {
		if program, err = s.compiled(ctx, profile); err != nil {
			return nil, fmt.Errorf("compile: %w", err)
		}
		s.tell(s.files.save(digest, program))
	}
	s.remember(digest, program)
	return program, nil
}

func (s *SeccompPrograms) compiled(ctx context.Context, profile json.RawMessage) (*wire.SeccompProgram, error) {
	request, err := json.Marshal(wire.SeccompRequest{Seccomp: profile})
	if err != nil {
		return nil, err
	}
	answer, err := s.compile(ctx, request)
	if err != nil {
		return nil, err
	}
	return parseSeccompProgram(answer)
}

// parseSeccompProgram reads a program that is one as far as can be told.
func parseSeccompProgram(data []byte) (*wire.SeccompProgram, error) {
	const instruction, most = 8, 4096 // sizeof(struct sock_filter), BPF_MAXINSNS
	const flags = unix.SECCOMP_FILTER_FLAG_LOG | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	p := &wire.SeccompProgram{}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(p); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoProgram, err)
	}
	if n := len(p.Program); n == 0 || n%instruction != 0 || n > most*instruction || p.Flags&^flags != 0 || p.Prctl && p.Flags != 0 || p.Libseccomp == "" {
		return nil, fmt.Errorf("%w: %d bytes, flags %#x, libseccomp %q", errNoProgram, n, p.Flags, p.Libseccomp)
	}
	return p, nil
}

// digest is that of everything that the program depends on. The output is no
// key: the order of libcontainer's -ENOSYS rules varies from run to run. Of
// flags an absent list and an empty one differ, so the profile is taken as it is
// but for white space. libseccomp belongs to the compiler, which is linked
// statically. Where it is not, a library that was upgraded leaves programs of
// the old one: they stay what their Libseccomp says they are.
func (s *SeccompPrograms) digest(profile json.RawMessage) (string, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, profile); err != nil {
		return "", err
	}
	var kernel unix.Utsname
	if err := unix.Uname(&kernel); err != nil {
		return "", err
	}
	h := sha256.New()
	for _, part := range []string{
		goruntime.GOARCH, s.compiler, unix.ByteSliceToString(kernel.Release[:]), unix.ByteSliceToString(kernel.Machine[:]), compact.String(),
	} {
		_ = binary.Write(h, binary.LittleEndian, uint64(len(part))) // a hash takes all
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// remembered returns the program of a digest; nil: it is not in memory.
func (s *SeccompPrograms) remembered(digest string) *wire.SeccompProgram {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[digest]
}

func (s *SeccompPrograms) remember(digest string, program *wire.SeccompProgram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSeccompPrograms {
		clear(s.known)
	}
	s.known[digest] = program
}

func (s *SeccompPrograms) tell(err error) {
	if err != nil && s.Log != nil {
		s.Log(err)
	}
}
