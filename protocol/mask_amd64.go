// Masking by vectors, where the processor has them.

package protocol

const (
	// maskBlock is how many bytes are masked at a time.
	maskBlock = 128
	// minMaskVectors is how many bytes are worth the call.
	minMaskVectors = 512
)

// maskLong masks as many whole blocks at the start of b as there are, with the key written
// twice in the order of its bytes, and returns the remaining bytes.
func maskLong(key uint64, b []byte) []byte {
	if len(b) < minMaskVectors || !hasVectors {
		return b
	}
	blocks := len(b) / maskBlock
	maskVectors(&b[0], blocks, key)
	return b[blocks*maskBlock:]
}

//go:noescape
func maskVectors(p *byte, blocks int, key uint64)
