// SHA-1, for the accept key only.

package protocol

import (
	"encoding/binary"
	"math/bits"
)

// sha1Sum returns the SHA-1 digest (RFC 3174) of a short message, which is all that the
// handshake needs; crypto/sha1 would make the WASM module larger by a fifth. It protects
// nothing: RFC 6455 uses it as a fingerprint.
func sha1Sum(message []byte) [20]byte {
	h := [5]uint32{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}
	padded := append([]byte(nil), message...)
	padded = append(padded, 0x80)
	for len(padded)%64 != 56 {
		padded = append(padded, 0)
	}
	padded = binary.BigEndian.AppendUint64(padded, uint64(len(message))*8)
	for len(padded) > 0 {
		sha1Block(&h, padded[:64])
		padded = padded[64:]
	}
	var sum [20]byte
	for i, word := range h {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum
}

// sha1Block mixes one block of 64 bytes into h.
func sha1Block(h *[5]uint32, block []byte) {
	var w [80]uint32
	for i := range 16 {
		w[i] = binary.BigEndian.Uint32(block[4*i:])
	}
	for i := 16; i < 80; i++ {
		w[i] = bits.RotateLeft32(w[i-3]^w[i-8]^w[i-14]^w[i-16], 1)
	}
	a, b, c, d, e := h[0], h[1], h[2], h[3], h[4]
	for i := range 80 {
		var f, k uint32
		switch i / 20 {
		case 0:
			f, k = b&c|^b&d, 0x5A827999
		case 1:
			f, k = b^c^d, 0x6ED9EBA1
		case 2:
			f, k = b&c|b&d|c&d, 0x8F1BBCDC
		case 3:
			f, k = b^c^d, 0xCA62C1D6
		}
		next := bits.RotateLeft32(a, 5) + f + e + k + w[i]
		a, b, c, d, e = next, a, bits.RotateLeft32(b, 30), c, d
	}
	h[0] += a
	h[1] += b
	h[2] += c
	h[3] += d
	h[4] += e
}
