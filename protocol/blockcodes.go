// The Huffman codes at the head of a dynamic block, read by an Inflater (RFC 1951 3.2.7).

package protocol

// codeReader has the codes of a block that have been read so far.
type codeReader struct {
	literals, distances, lengths int // how many code lengths there are of each
	have                         int // how many have been read
	list                         [maxLiterals + maxDistances]uint8
	table                        [1 << lengthBits]entry
}

// lengthOrder is the order in which the lengths of the code for code lengths are
// sent (RFC 1951 3.2.7).
const lengthOrder = "\x10\x11\x12\x00\x08\x07\x09\x06\x0a\x05\x0b\x04\x0c\x03\x0d\x02\x0e\x01\x0f"

// lengths reads more of the codes, as far as the input goes.
func (w *inflating) lengths() (wait bool) {
	z, c := w.z, &w.z.codes
	switch z.phase {
	case phaseCounts:
		if !w.need(14) {
			return true
		}
		c.literals, c.distances, c.lengths = int(z.take(5))+257, int(z.take(5))+1, int(z.take(4))+4
		c.have = 0
		clear(c.list[:])
		z.phase = phaseLengthCode
		w.bad = c.literals > 286 || c.distances > 30
	case phaseLengthCode:
		for ; c.have < c.lengths; c.have++ {
			if !w.need(3) {
				return true
			}
			c.list[lengthOrder[c.have]] = uint8(z.take(3))
		}
		w.bad = !buildTable(c.table[:], lengthBits, c.list[:len(lengthOrder)], lengthEntries[:])
		c.have = 0
		clear(c.list[:len(lengthOrder)])
		z.phase = phaseLengths
	default:
		for c.have < c.literals+c.distances {
			if wait = w.length(c); wait || w.bad {
				return wait
			}
		}
		w.bad = c.list[256] == 0 || // no end
			!buildTable(z.ownLiterals[:], literalBits, c.list[:c.literals], literalEntries[:]) ||
			!buildTable(z.ownDistances[:], distanceBits, c.list[c.literals:c.have], distanceEntries[:])
		z.literals, z.distances = &z.ownLiterals, &z.ownDistances
		z.phase = phaseCodes
	}
	return false
}

// length reads one code length, or one that repeats.
func (w *inflating) length(c *codeReader) (wait bool) {
	z := w.z
	// The code has 7 bits at most and 7 may follow, but the stream may end before.
	w.need(14)
	e := c.table[z.bits&(1<<lengthBits-1)]
	used := uint(e & 15)
	if e == 0 || used > z.n {
		w.bad = e == 0 && z.n >= lengthBits
		return !w.bad
	}
	symbol := uint8(e >> 16)
	if symbol < 16 {
		z.take(used)
		c.list[c.have] = symbol
		c.have++
		return false
	}
	extra, times, value := uint(2), 3, uint8(0)
	switch symbol {
	case 16:
		if w.bad = c.have == 0; w.bad {
			return false
		}
		value = c.list[c.have-1]
	case 17:
		extra = 3
	case 18:
		extra, times = 7, 11
	}
	if used+extra > z.n {
		return true
	}
	z.take(used)
	times += int(z.take(extra))
	if w.bad = c.have+times > c.literals+c.distances; w.bad {
		return false
	}
	for range times {
		c.list[c.have] = value
		c.have++
	}
	return false
}
