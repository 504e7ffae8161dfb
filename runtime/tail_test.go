package runtime

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestTailKeepsTheLastBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{500, 8 << 10, 3 * outputTail} {
		var all []byte
		var kept tail
		for len(all) < 5*outputTail {
			p := make([]byte, rnd.IntN(most))
			for i := range p {
				p[i] = byte(len(all) + i*i)
			}
			all = append(all, p...)
			kept.write(p)
			if want := all[max(0, len(all)-outputTail):]; !bytes.Equal(kept.bytes(), want) {
				t.Fatalf("writes of up to %d: after %d bytes the tail differs", most, len(all))
			}
			if cap(kept.buf) > 4*outputTail {
				t.Fatalf("%d bytes of memory for a tail of %d", cap(kept.buf), outputTail)
			}
		}
	}
}

func TestTailIsACopy(t *testing.T) {
	var kept tail
	if got := kept.bytes(); got != nil {
		t.Errorf("of nothing: %q", got)
	}
	kept.write([]byte("one"))
	got := kept.bytes()
	kept.write(bytes.Repeat([]byte("x"), 3*outputTail))
	if string(got) != "one" {
		t.Errorf("changed to %q", got)
	}
}
