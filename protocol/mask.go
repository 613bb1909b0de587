// Masking: the XOR that clients apply to their payloads.

package protocol

import (
	"encoding/binary"
	"math/bits"
)

// Mask XORs b in place with the masking key, where b starts at the given offset
// of the payload (RFC 6455 5.3). Masking twice restores the bytes. Little-endian
// words, because those loads combine into one instruction on every target.
func Mask(key uint32, offset int, b []byte) {
	k := bits.RotateLeft32(bits.ReverseBytes32(key), -8*(offset&3))
	w := uint64(k)<<32 | uint64(k)
	b = maskLong(w, b)
	for len(b) >= 64 {
		s := (*[64]byte)(b)
		binary.LittleEndian.PutUint64(s[0:8], binary.LittleEndian.Uint64(s[0:8])^w)
		binary.LittleEndian.PutUint64(s[8:16], binary.LittleEndian.Uint64(s[8:16])^w)
		binary.LittleEndian.PutUint64(s[16:24], binary.LittleEndian.Uint64(s[16:24])^w)
		binary.LittleEndian.PutUint64(s[24:32], binary.LittleEndian.Uint64(s[24:32])^w)
		binary.LittleEndian.PutUint64(s[32:40], binary.LittleEndian.Uint64(s[32:40])^w)
		binary.LittleEndian.PutUint64(s[40:48], binary.LittleEndian.Uint64(s[40:48])^w)
		binary.LittleEndian.PutUint64(s[48:56], binary.LittleEndian.Uint64(s[48:56])^w)
		binary.LittleEndian.PutUint64(s[56:64], binary.LittleEndian.Uint64(s[56:64])^w)
		b = b[64:]
	}
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^w)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(w >> (8 * i))
	}
}
