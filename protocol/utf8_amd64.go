// UTF-8 by vectors, where the processor has them.

package protocol

// vectorSize is how many bytes a vector holds.
const vectorSize = 32

// hasVectors reports whether processor and system know 256-bit integer vectors.
var hasVectors = func() bool {
	const (
		saved   = 1<<27 | 1<<28 // leaf 1, ECX: the system saves registers; AVX
		states  = 1<<1 | 1<<2   // it saves those of 128 and of 256 bits
		vectors = 1 << 5        // leaf 7, EBX: AVX2
	)
	leaves, _, _, _ := cpuid(0, 0)
	if leaves < 7 {
		return false
	}
	if _, _, c, _ := cpuid(1, 0); c&saved != saved || xgetbv()&states != states {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&vectors != 0
}()

// validPrefix returns how many bytes at the start of p, which begins between characters,
// are known to be valid: 0 if there is an error, or if p is too short to be worth it. The
// last of them may be inside a character.
func validPrefix(p []byte) int {
	blocks := len(p) / vectorSize
	if blocks == 0 || !hasVectors || !validVectors(&p[0], blocks) {
		return 0
	}
	return blocks * vectorSize
}

//go:noescape
func validVectors(p *byte, blocks int) bool

func cpuid(leaf, sub uint32) (a, b, c, d uint32)

func xgetbv() (low uint32)
