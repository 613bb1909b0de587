// Inflater: decompresses DEFLATE (RFC 1951) as permessage-deflate uses it, from slice to
// slice, in pieces of any size.

package protocol

import (
	"encoding/binary"
	"slices"
)

// Inflater decompresses one message at a time. It keeps only the code of the current
// block; the caller keeps the context, which is what earlier messages inflated to. The
// zero value is at the start of a message.
type Inflater struct {
	bits  uint64 // read from the stream but not used; the next is the lowest
	n     uint   // how many
	phase phase
	final bool // the block that is being read, or was last, has BFINAL set
	left  int  // bytes of a stored block still to come

	codes        codeReader
	literals     *literalTable // of the current block
	distances    *distanceTable
	ownLiterals  literalTable
	ownDistances distanceTable
}

type phase uint8

const (
	phaseHeader phase = iota
	phaseStored
	phaseCounts
	phaseLengthCode
	phaseLengths
	phaseCodes
)

// verdict says how a call ended.
type verdict uint8

const (
	inflateMore    verdict = iota // all input is used
	inflateCorrupt                // this is no DEFLATE
	inflateFull                   // more output than was asked for
	inflateBefore                 // a copy of something before the context
)

// Reset prepares z for the start of a message.
func (z *Inflater) Reset() {
	z.bits, z.n, z.phase, z.final, z.left = 0, 0, phaseHeader, false, 0
}

// tail is what the sender leaves out of each message (RFC 7692 7.2.1).
var tail = []byte("\x00\x00\xff\xff")

// inflate appends to dst what src decompresses to, until dst has limit bytes and more would
// come: then it may have added up to 258 bytes beyond the limit, and another call continues
// with the remaining bytes of src. context is what was inflated before this call, as far
// back as copies may reach: window bytes.
func (z *Inflater) inflate(dst, context, src []byte, window, limit int) (out, remaining []byte, v verdict) {
	w := inflating{z: z, src: src, dst: dst, start: len(dst), context: context, window: window, limit: limit}
	for {
		var wait bool
		switch z.phase {
		case phaseHeader:
			wait = w.header()
		case phaseStored:
			wait = w.stored()
		case phaseCodes:
			wait = w.copies()
		default:
			wait = w.lengths()
		}
		if w.before {
			return w.dst, w.src, inflateBefore
		}
		if w.bad {
			return w.dst, w.src, inflateCorrupt
		}
		if w.full {
			return w.dst, w.src, inflateFull
		}
		if wait {
			return w.dst, w.src, inflateMore
		}
	}
}

// finish ends a message with the tail, which must complete a block and leave
// nothing over. A message whose last block is final needs no tail (RFC 7692
// 7.2.3.4).
func (z *Inflater) finish() verdict {
	if z.phase == phaseHeader && z.final && z.n == 0 {
		return inflateMore
	}
	_, _, v := z.inflate(nil, nil, tail, 0, 0)
	if v != inflateMore || z.phase != phaseHeader || z.n != 0 {
		return inflateCorrupt
	}
	return inflateMore
}

// inflating is one call: its input and output.
type inflating struct {
	z       *Inflater
	src     []byte // not read yet
	dst     []byte
	start   int // of this call's output in dst
	context []byte
	window  int
	limit   int // of len(dst)
	bad     bool
	before  bool // bad, but only as far as the context goes
	full    bool
}

// need makes n bits ready, at most 32; false when the input ends before.
func (w *inflating) need(n uint) bool {
	z := w.z
	for z.n < n {
		if len(w.src) == 0 {
			return false
		}
		z.bits |= uint64(w.src[0]) << z.n
		w.src = w.src[1:]
		z.n += 8
	}
	return true
}

func (z *Inflater) take(n uint) uint {
	v := uint(z.bits & (1<<n - 1))
	z.bits >>= n
	z.n -= n
	return v
}

// header reads the first bits of a block (RFC 1951 3.2.3), and of a stored one its
// length.
func (w *inflating) header() (wait bool) {
	z := w.z
	if z.final {
		z.take(z.n & 7) // the unused bits of the byte in which the final block ended
	}
	if !w.need(3) {
		return true
	}
	switch z.bits >> 1 & 3 {
	case 0:
		pad := (z.n - 3) & 7
		if !w.need(3 + pad) {
			return true
		}
		// The length and its complement may not fit beside the bits before them.
		z.final = z.bits&1 != 0
		z.take(3 + pad)
		z.phase, z.left = phaseStored, -1
	case 1:
		z.final = z.take(3)&1 != 0
		z.literals, z.distances = fixedLiterals, fixedDistances
		z.phase = phaseCodes
	case 2:
		z.final = z.take(3)&1 != 0
		z.phase = phaseCounts
	default:
		w.bad = true
	}
	return false
}

// stored copies a block that is not compressed (RFC 1951 3.2.4). It begins at a
// byte.
func (w *inflating) stored() (wait bool) {
	z := w.z
	if z.left < 0 {
		if !w.need(32) {
			return true
		}
		size, complement := z.take(16), z.take(16)
		if w.bad = size != ^complement&0xFFFF; w.bad {
			return false
		}
		z.left = int(size)
	}
	for ; z.left > 0 && z.n > 0 && len(w.dst) < w.limit; z.left-- {
		w.dst = append(w.dst, byte(z.take(8)))
	}
	if z.n == 0 {
		n := min(z.left, len(w.src), w.limit-len(w.dst))
		w.dst = append(w.dst, w.src[:n]...)
		w.src = w.src[n:]
		z.left -= n
	}
	if z.left == 0 {
		z.phase = phaseHeader
		return false
	}
	w.full = len(w.dst) == w.limit && (z.n > 0 || len(w.src) > 0)
	return true
}

// mostAtOnce is how many bytes one turn of the loop adds at most: a literal and the
// longest copy.
const mostAtOnce = 1 + 258

// copies reads the symbols of a compressed block: literals, and copies of earlier
// output (RFC 1951 3.2.3 and 3.2.5).
func (w *inflating) copies() (wait bool) {
	z := w.z
	literals, distances := z.literals, z.distances
	src, held, n := w.src, z.bits, z.n
	out, o := w.dst[:cap(w.dst)], len(w.dst)
	end := false
	for !end {
		if len(src) >= 8 {
			held |= binary.LittleEndian.Uint64(src) << n
			src = src[(63-n)>>3:]
			n |= 56
		} else {
			for ; n < 56 && len(src) > 0; n += 8 {
				held |= uint64(src[0]) << n
				src = src[1:]
			}
		}
		if len(out)-o < mostAtOnce {
			w.dst = out[:o]
			out = w.grow()
		}
		e := literals[held&(1<<literalBits-1)]
		// Two literals fit into what one refill brings, and a copy after them does not.
		if e&kindMask == kindLiteral && n >= 2*maxCodeLength {
			out[o] = byte(e >> 16)
			o++
			held >>= e & 15
			n -= uint(e & 15)
			if e = literals[held&(1<<literalBits-1)]; e&kindMask == kindLiteral {
				out[o] = byte(e >> 16)
				o++
				held >>= e & 15
				n -= uint(e & 15)
				if o > w.limit {
					break
				}
				continue
			}
			if o > w.limit {
				break
			}
			if n < 48 && len(src) > 0 {
				continue
			}
		}
		if e&kindMask == kindSecond {
			e = literals[uint(e>>16)+uint(held>>literalBits)&(1<<(e>>4&15)-1)]
		}
		used := uint(e & 15)
		if e&kindMask != kindCopy {
			switch {
			case used > n || e == 0 && n < maxCodeLength && len(src) == 0:
				wait = true
			case e == 0:
				w.bad = true
			default:
				held >>= used
				n -= used
				if end = e&kindMask == kindEnd; !end {
					out[o] = byte(e >> 16)
					o++
				}
			}
			if wait || w.bad || o > w.limit {
				break
			}
			continue
		}
		extra := uint(e >> 4 & 15)
		length := int(e>>16) + int(held>>used&(1<<extra-1))
		used += extra
		d := distances[held>>used&(1<<distanceBits-1)]
		if d&kindMask == kindSecond {
			d = distances[uint(d>>16)+uint(held>>(used+distanceBits))&(1<<(d>>4&15)-1)]
		}
		before := used
		used += uint(d & 15)
		extra = uint(d >> 4 & 15)
		distance := int(d>>16) + int(held>>used&(1<<extra-1))
		used += extra
		if used > n || d == 0 && n < before+maxCodeLength && len(src) == 0 {
			wait = true
			break
		}
		if d == 0 || distance > w.window || distance > o-w.start+len(w.context) {
			w.bad, w.before = true, d != 0 && distance <= w.window
			break
		}
		held >>= used & 63
		n -= used
		if from := o - distance; from >= w.start {
			o = repeat(out, o, from, length)
		} else {
			o = w.repeatContext(out, o, distance, length)
		}
		if o > w.limit {
			break
		}
	}
	z.bits, z.n, w.src = held&(1<<n-1), n, src
	w.dst = out[:o]
	w.full = o > w.limit
	if end {
		z.phase = phaseHeader
	}
	return wait
}

// grow makes the output large enough for one turn. It doubles the capacity, since that
// much has been inflated, but hardly exceeds the limit.
func (w *inflating) grow() []byte {
	more := max(len(w.dst), 2*mostAtOnce)
	more = min(more, w.limit-len(w.dst)+mostAtOnce)
	w.dst = slices.Grow(w.dst, max(more, mostAtOnce))
	return w.dst[:cap(w.dst)]
}

// repeat copies length bytes of out from one place to another, of which the ends
// may overlap the beginnings: then the same bytes are repeated.
func repeat(out []byte, o, from, length int) int {
	for length > 0 {
		n := copy(out[o:o+length], out[from:o])
		o += n
		length -= n
	}
	return o
}

// repeatContext copies what begins before this call's output.
func (w *inflating) repeatContext(out []byte, o, distance, length int) int {
	back := distance - (o - w.start)
	from := w.context[len(w.context)-back:]
	n := copy(out[o:o+length], from)
	return repeat(out, o+n, w.start, length-n)
}
