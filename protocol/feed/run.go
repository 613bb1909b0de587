// Runs: frames that crossed the wire together, in one record.

package feed

import (
	"encoding/binary"
	"iter"
	"math"

	"framescope/protocol"
)

const (
	// RunHeader is how many bytes of a Run's data precede its first frame.
	RunHeader = 4
	// MaxRun is the longest data of a Run that is written, in bytes: the offset of
	// each of its frames fits 16 bits.
	MaxRun = math.MaxUint16
)

const errRun = parseError("feed: a run ends inside a frame: the capture is broken")

// Stretch describes the whole frames that some bytes begin with, which a Run is made from.
type Stretch struct {
	Frames int
	Bytes  int // of all of them on the wire
	Kept   int // bytes that are left when each payload is cut to the limit
}

// Measure finds the whole frames that b begins with, as many as one Run holds if
// each payload is cut to limit bytes; the first may be larger.
func Measure(b []byte, limit uint32) (s Stretch) {
	for {
		n, length := protocol.ScanHeader(b[s.Bytes:])
		if n == 0 || length > uint64(len(b)-s.Bytes-n) {
			return s
		}
		kept := s.Kept + n + int(min(length, uint64(limit)))
		if kept > MaxRun-RunHeader && s.Frames > 0 {
			return s
		}
		s.Frames++
		s.Bytes += n + int(length)
		s.Kept = kept
	}
}

// Size returns the size in bytes of the record of a Run.
func (s Stretch) Size() int { return HeaderSize + RunHeader + s.Kept }

// AppendRun appends a record like r, a Run of the frames that s measured at the
// start of r.Data.
func (r *Record) AppendRun(dst []byte, s Stretch, limit uint32) []byte {
	dst, b := grow(dst, s.Size())
	r.PutHeader(b)
	binary.LittleEndian.PutUint32(b[HeaderSize:], limit)
	b = b[HeaderSize+RunHeader:]
	if s.Kept == s.Bytes {
		copy(b, r.Data)
	} else {
		s.cut(b, r.Data, limit)
	}
	return dst
}

// cut copies the frames with at most limit bytes of each payload.
func (s Stretch) cut(dst, frames []byte, limit uint32) {
	for range s.Frames {
		n, length := protocol.ScanHeader(frames)
		dst = dst[copy(dst, frames[:n+int(min(length, uint64(limit)))]):]
		frames = frames[n+int(length):]
	}
}

// FrameAt sets f to the frame at an offset of the data of a Run, as a Frame record
// of its own, and returns the offset of the next. The first is at RunHeader.
func (r *Record) FrameAt(at int, f *Record) (next int, err error) {
	if at < RunHeader || at > len(r.Data) {
		return 0, errRun
	}
	limit, b := uint64(binary.LittleEndian.Uint32(r.Data)), r.Data[at:]
	n, length := protocol.ScanHeader(b)
	kept := min(length, limit)
	if n == 0 || kept > uint64(len(b)-n) {
		return 0, errRun
	}
	f.Kind, f.Side, f.Conn, f.Time, f.Flags = Frame, r.Side, r.Conn, r.Time, 0
	f.WireSize = uint64(n) + min(length, math.MaxUint64-uint64(n))
	if kept < length {
		f.Flags = Cut
	}
	f.Data = b[:n+int(kept)]
	return at + len(f.Data), nil
}

// Frames yields the frames in a record: the one of a Frame, those of a Run up to where it
// is malformed, none of any other kind.
func (r *Record) Frames() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if r.Kind == Frame {
			yield(*r)
		}
		if r.Kind != Run {
			return
		}
		var f Record
		for at := RunHeader; at < len(r.Data); {
			next, err := r.FrameAt(at, &f)
			if err != nil || !yield(f) {
				return
			}
			at = next
		}
	}
}
