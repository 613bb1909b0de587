// Headers: what parses appends back, and every shorter prefix asks for more.

package protocol

import (
	"bytes"
	"testing"
)

func TestHeaderVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			wire := v.wire(t)
			h, n := ParseHeader(wire)
			if h != v.header {
				t.Fatalf("parsed %+v, want %+v", h, v.header)
			}
			if n != h.Size() {
				t.Errorf("took %d bytes, Size says %d", n, h.Size())
			}
			if got := AppendHeader(nil, h); !bytes.Equal(got, wire[:n]) {
				t.Errorf("appended % x, want % x", got, wire[:n])
			}
			for cut := range n {
				if h, n := ParseHeader(wire[:cut]); n != 0 || h != (Header{}) {
					t.Errorf("%d bytes parsed as %+v in %d", cut, h, n)
				}
			}
		})
	}
}

func TestAppendHeaderChoosesTheShortestForm(t *testing.T) {
	for _, c := range []struct {
		length uint64
		forced uint8
		size   int
	}{
		{0, 0, 2}, {125, 0, 2}, {126, 0, 4}, {65535, 0, 4}, {65536, 0, 10}, {1 << 63, 0, 10},
		{5, 2, 4}, {5, 8, 10}, {126, 8, 10}, {65536, 2, 10}, {200, 1, 4}, {1, 3, 10},
	} {
		h := Header{PayloadLength: c.length, LengthBytes: c.forced}
		b := AppendHeader(nil, h)
		if len(b) != c.size || h.Size() != c.size {
			t.Errorf("length %d in form %d takes %d bytes, Size %d, want %d", c.length, c.forced, len(b), h.Size(), c.size)
		}
		if back, _ := ParseHeader(b); back.PayloadLength != c.length {
			t.Errorf("length %d came back as %d", c.length, back.PayloadLength)
		}
	}
}

func TestFieldsCoverTheHeader(t *testing.T) {
	for _, v := range vectors {
		wire := v.wire(t)
		h, n := ParseHeader(wire)
		bit := 0
		for _, f := range AppendFields(nil, h) {
			if f.Bit != bit {
				t.Errorf("%s: %s begins at bit %d, want %d", v.name, f.Name, f.Bit, bit)
			}
			if got := bitsOf(wire, f.Bit, f.Bits); got != f.Value {
				t.Errorf("%s: %s is %d, the wire has %d", v.name, f.Name, f.Value, got)
			}
			bit += f.Bits
		}
		if bit != n*8 {
			t.Errorf("%s: the fields have %d bits, the header %d", v.name, bit, n*8)
		}
	}
}

func bitsOf(b []byte, at, n int) (value uint64) {
	for i := at; i < at+n; i++ {
		value = value<<1 | uint64(b[i/8]>>(7-i%8)&1)
	}
	return value
}

func FuzzHeader(f *testing.F) {
	for _, v := range vectors {
		wire := v.wire(f)
		f.Add(wire[:min(len(wire), MaxHeaderSize)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n := ParseHeader(b)
		if n == 0 {
			if len(b) >= MaxHeaderSize {
				t.Fatalf("%d bytes are not enough for a header", len(b))
			}
			return
		}
		if got := AppendHeader(nil, h); !bytes.Equal(got, b[:n]) {
			t.Fatalf("% x came back as % x", b[:n], got)
		}
	})
}

func TestHeaderAllocatesNothing(t *testing.T) {
	wire := AppendHeader(nil, Header{Fin: true, Opcode: OpText, Masked: true, PayloadLength: 70000})
	buf := make([]byte, 0, MaxHeaderSize)
	if n := testing.AllocsPerRun(100, func() {
		h, _ := ParseHeader(wire)
		buf = AppendHeader(buf[:0], h)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHeader(b *testing.B) {
	for _, c := range []struct {
		name string
		h    Header
	}{
		{"7bit", Header{Fin: true, Opcode: OpText, PayloadLength: 5}},
		{"7bit-masked", Header{Fin: true, Opcode: OpText, Masked: true, PayloadLength: 125}},
		{"16bit-masked", Header{Fin: true, Opcode: OpText, Masked: true, PayloadLength: 1024}},
		{"64bit-masked", Header{Fin: true, Opcode: OpText, Masked: true, PayloadLength: 1 << 20}},
	} {
		wire := AppendHeader(nil, c.h)
		buf := make([]byte, 0, MaxHeaderSize)
		b.Run("parse/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ParseHeader(wire)
			}
		})
		b.Run("append/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendHeader(buf[:0], c.h)
			}
		})
	}
}
