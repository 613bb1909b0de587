// Masking at every offset and length against the RFC's own formula.

package protocol

import (
	"bytes"
	"strconv"
	"testing"
)

func TestMask(t *testing.T) {
	const key = 0x12345678
	octets := [4]byte{0x12, 0x34, 0x56, 0x78}
	// Also around the lengths from which on vectors are used, and a few blocks of these.
	lengths := []int{510, 511, 512, 513, 639, 640, 641, 1023, 1024, 1030, 4096 + 77}
	for length := range 200 {
		lengths = append(lengths, length)
	}
	for _, length := range lengths {
		for offset := range 9 {
			plain := make([]byte, length)
			for i := range plain {
				plain[i] = byte(i * 7)
			}
			got := bytes.Clone(plain)
			Mask(key, offset, got)
			for i := range plain {
				// RFC 6455 5.3: transformed octet i = original octet i XOR key octet (i MOD 4).
				if want := plain[i] ^ octets[(offset+i)%4]; got[i] != want {
					t.Fatalf("length %d, offset %d: byte %d is %02x, want %02x", length, offset, i, got[i], want)
				}
			}
		}
	}
}

func FuzzMaskInPieces(f *testing.F) {
	f.Add([]byte("Hello, WebSocket"), uint32(0x37fa213d), 5)
	f.Add(bytes.Repeat([]byte("long enough for vectors"), 60), uint32(0x37fa213d), 6)
	f.Fuzz(func(t *testing.T, b []byte, key uint32, cut int) {
		whole := bytes.Clone(b)
		Mask(key, 0, whole)
		if cut = max(cut, 0); len(b) > 0 {
			cut %= len(b)
		} else {
			cut = 0
		}
		Mask(key, 0, b[:cut])
		Mask(key, cut, b[cut:])
		if !bytes.Equal(whole, b) {
			t.Fatalf("cut at %d: % x, whole: % x", cut, b, whole)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{125, 1 << 10, 64 << 10} {
		buf := make([]byte, size)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				Mask(helloKey, 0, buf)
			}
		})
	}
}
