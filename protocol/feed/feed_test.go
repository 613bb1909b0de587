// Records: what is appended parses back, and no bytes do harm.

package feed

import (
	"bytes"
	"math"
	"testing"

	"framescope/protocol"
)

var samples = []Record{
	{Kind: Begin, Data: make([]byte, 24), WireSize: 24},
	{Kind: Open, Conn: 1, Time: -5, Data: []byte("\x00\x00\x00\x00\x00\x00\x00\x00127.0.0.1:5"), WireSize: 19},
	{Kind: Frame, Conn: math.MaxUint32, Side: protocol.Server, Time: math.MaxInt64, Data: []byte("\x81\x05Hello"), WireSize: 7},
	{Kind: Frame, Conn: 7, Flags: Cut | Partial, Data: []byte("\x82\x7e\x01"), WireSize: math.MaxUint64},
	{Kind: Closed, Conn: 7, Side: UnknownSide, Data: []byte{}},
	{Kind: Known, Flags: Replayed, Data: []byte{1, 0, 0, 0}, WireSize: 4},
}

func TestRoundTrip(t *testing.T) {
	for _, r := range samples {
		b := Append(nil, r)
		got, n, err := Parse(append(b, "more"...))
		if err != nil || n != len(b) || !bytes.Equal(got.Data, r.Data) {
			t.Errorf("%+v came back as %+v in %d bytes, %v", r, got, n, err)
		}
		got.Data, r.Data = nil, nil
		if got.Kind != r.Kind || got.Side != r.Side || got.Flags != r.Flags || got.Conn != r.Conn || got.Time != r.Time || got.WireSize != r.WireSize {
			t.Errorf("%+v came back as %+v", r, got)
		}
		for cut := range b {
			if _, n, err := Parse(b[:cut]); n != 0 || err != nil {
				t.Errorf("%d of %d bytes: n = %d, %v", cut, len(b), n, err)
			}
		}
	}
}

func TestBrokenRecords(t *testing.T) {
	good := Append(nil, samples[2])
	for name, change := range map[string]func(b []byte){
		"size below the header": func(b []byte) { b[0] = HeaderSize - 1 },
		"size over the limit":   func(b []byte) { b[3] = 0xFF },
		"kind 0":                func(b []byte) { b[16] = 0 },
		"kind 9":                func(b []byte) { b[16] = 9 },
		"cut without true size": func(b []byte) { b[18] = byte(Cut) },
	} {
		b := bytes.Clone(good)
		change(b)
		if _, n, err := Parse(b); err == nil || n != 0 {
			t.Errorf("%s: n = %d, %v", name, n, err)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	b := Append(nil, samples[2])
	buf := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		r, _, _ := Parse(b)
		buf = Append(buf[:0], r)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range samples {
		f.Add(Append(nil, r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, n, err := Parse(b)
		if n == 0 || err != nil {
			return
		}
		b[19] = 0 // has no meaning, and is written as 0
		if got := Append(nil, r); !bytes.Equal(got, b[:n]) {
			t.Fatalf("% x came back as % x", b[:n], got)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	wire := Append(nil, samples[2])
	b.ReportAllocs()
	var r Record
	for b.Loop() {
		r.Parse(wire)
	}
}

// WholeFrame says what Parse says of a Frame without flags, and nothing of any other record.
func TestWholeFrame(t *testing.T) {
	good := Append(nil, Record{Kind: Frame, Conn: 7, Side: protocol.Server, Data: []byte("\x81\x05Hello")})
	for at := range HeaderSize {
		for value := range 256 {
			b := bytes.Clone(good)
			b[at] = byte(value)
			frame, conn, side, n := WholeFrame(b)
			r, want, err := Parse(b)
			if err != nil || r.Kind != Frame || r.Flags != 0 || r.Side > protocol.Server || b[19] != 0 {
				want = 0
			}
			if n != want || n > 0 && (conn != r.Conn || side != r.Side || !bytes.Equal(frame, r.Data)) {
				t.Fatalf("byte %d is %#x: %q of %d, %v, %d bytes; Parse says %+v", at, value, frame, conn, side, n, r)
			}
		}
		if _, _, _, n := WholeFrame(good[:at]); n != 0 {
			t.Fatalf("%d bytes hold a frame", at)
		}
	}
}
