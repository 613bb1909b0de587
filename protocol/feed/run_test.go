// Runs: the same frames as one record or as many.

package feed

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"framescope/protocol"
)

// apart records the whole frames that wire begins with, each by itself.
func apart(wire []byte, limit uint32) (frames []Record) {
	for {
		n, length := protocol.ScanHeader(wire)
		if n == 0 || length > uint64(len(wire)-n) {
			return frames
		}
		r := Record{Kind: Frame, Conn: 7, Side: protocol.Server, Time: 5, WireSize: uint64(n) + length}
		if r.Data = wire[:n+int(min(length, uint64(limit)))]; uint64(len(r.Data)) < r.WireSize {
			r.Flags = Cut
		}
		frames = append(frames, r)
		wire = wire[r.WireSize:]
	}
}

// together records them as runs and takes these apart again.
func together(t testing.TB, wire []byte, limit uint32) (frames []Record) {
	t.Helper()
	for {
		s := Measure(wire, limit)
		if s.Frames == 0 {
			return frames
		}
		r := Record{Kind: Run, Conn: 7, Side: protocol.Server, Time: 5, Data: wire}
		b := r.AppendRun([]byte("before"), s, limit)[len("before"):]
		if len(b) != s.Size() || len(b)-HeaderSize > MaxRun && s.Frames > 1 {
			t.Fatalf("%+v takes %d bytes", s, len(b))
		}
		run, n, err := Parse(append(b, "more"...))
		if err != nil || n != len(b) {
			t.Fatalf("a run of %+v parses as %d of %d bytes, %v", s, n, len(b), err)
		}
		had := len(frames)
		if frames = slices.AppendSeq(frames, run.Frames()); len(frames) != had+s.Frames {
			t.Fatalf("a run of %d frames has %d", s.Frames, len(frames)-had)
		}
		wire = wire[s.Bytes:]
	}
}

func compareRuns(t *testing.T, wire []byte, limit uint32) {
	t.Helper()
	one, other := apart(wire, limit), together(t, wire, limit)
	if !slices.EqualFunc(one, other, func(a, b Record) bool {
		same := bytes.Equal(a.Data, b.Data)
		a.Data, b.Data = nil, nil
		return same && a.Kind == b.Kind && a.Conn == b.Conn && a.Side == b.Side && a.Time == b.Time && a.Flags == b.Flags && a.WireSize == b.WireSize
	}) {
		t.Errorf("limit %d: apart\n%+v\ntogether\n%+v", limit, one, other)
	}
}

func wireOf(sizes ...int) (wire []byte) {
	for i, n := range sizes {
		h := protocol.Header{Fin: true, Opcode: protocol.OpBinary, Masked: i%2 == 0, PayloadLength: uint64(n)}
		wire = append(protocol.AppendHeader(wire, h), bytes.Repeat([]byte{byte(i)}, n)...)
	}
	return wire
}

func TestRuns(t *testing.T) {
	for _, sizes := range [][]int{{}, {0}, {0, 0, 0}, {5, 125, 126, 1000}, {70_000, 1}, {1, 70_000, 1}, slices.Repeat([]int{1000}, 200), slices.Repeat([]int{0}, 40_000)} {
		for _, limit := range []uint32{0, 1, 125, 128, 64 << 10, math.MaxUint32} {
			wire := wireOf(sizes...)
			compareRuns(t, wire, limit)
			compareRuns(t, append(wire, 0x81), limit)
		}
	}
}

func TestBrokenRuns(t *testing.T) {
	wire := wireOf(3, 3)
	r := Record{Kind: Run, Data: wire}
	run, _, _ := Parse(r.AppendRun(nil, Measure(wire, 10), 10))
	var f Record
	for _, at := range []int{-1, 0, RunHeader - 1, len(run.Data), len(run.Data) + 1, math.MaxInt} {
		if _, err := run.FrameAt(at, &f); err == nil {
			t.Errorf("a frame at %d of %d", at, len(run.Data))
		}
	}
	for cut := range run.Data {
		short := Record{Kind: Run, Data: run.Data[:cut]}
		n, at, err := 0, RunHeader, error(nil)
		for at < cut && err == nil {
			if at, err = short.FrameAt(at, &f); err == nil {
				n++
			}
		}
		if whole := len(slices.Collect(short.Frames())); n != whole || n == 2 {
			t.Errorf("%d bytes of a run hold %d and %d frames", cut, n, whole)
		}
	}
	if n := len(slices.Collect((&Record{Kind: Closed, Data: run.Data}).Frames())); n != 0 {
		t.Errorf("%d frames in the end of a connection", n)
	}
}

// A frame may claim more than there is in the world.
func TestRunOfLongestFrame(t *testing.T) {
	data := binary.LittleEndian.AppendUint32(nil, 2)
	data = append(data, "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffab"...)
	var f Record
	next, err := (&Record{Kind: Run, Data: data}).FrameAt(RunHeader, &f)
	if err != nil || next != len(data) || f.WireSize != math.MaxUint64 || f.Flags != Cut {
		t.Errorf("%+v, next %d, %v", f, next, err)
	}
}

func FuzzRuns(f *testing.F) {
	f.Add(wireOf(0, 5, 200, 70_000), uint32(100))
	f.Add([]byte("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffab"), uint32(2))
	f.Fuzz(func(t *testing.T, b []byte, limit uint32) {
		compareRuns(t, b, limit)
		run := Record{Kind: Run, Data: b}
		end := RunHeader
		for frame := range run.Frames() {
			end += len(frame.Data)
		}
		if end > max(len(b), RunHeader) {
			t.Fatalf("%d bytes of frames in %d", end, len(b))
		}
	})
}

func TestRunAllocatesNothing(t *testing.T) {
	wire := wireOf(slices.Repeat([]int{16}, 16)...)
	dst := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() {
		r := Record{Kind: Run, Data: wire}
		dst = r.AppendRun(dst[:0], Measure(wire, 128), 128)
		run, _, _ := Parse(dst)
		for range run.Frames() {
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRun(b *testing.B) {
	wire := wireOf(slices.Repeat([]int{125}, 16)...)
	dst := make([]byte, 0, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		r := Record{Kind: Run, Data: wire}
		dst = r.AppendRun(dst[:0], Measure(wire, 128), 128)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*16), "ns/frame")
}
